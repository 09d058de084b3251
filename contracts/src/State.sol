// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./ILedger.sol";
import "./Reader.sol";

// The records of the ledger, field by field from bit 0 up: Solidity packs in the same order.

struct StatusRecord {
    uint8 dead;
    uint40 pausedUntil;
    uint32 policyA;
    uint32 policyB;
    uint40 switchAt; // policyB from here on, policyA until `overlap` later
    uint40 floorEpoch;
    uint32 minKeyPolicy;
}

struct CounterRecord {
    uint32 nextAccount;
    uint24 nextAsset;
    uint32 council;
    uint32 prevCouncil;
    uint40 prevCouncilUntil;
    uint48 govAct;
    uint48 guardAct;
}

struct KeyRecord {
    uint8 state;
    uint40 epoch;
    uint32 policy;
    uint40 notBefore;
    uint40 notAfter;
    uint8 tcb;
}

struct AccountRecord {
    address owner;
    uint40 exitAt;
    uint8 closed;
}

struct AssetRecord {
    address token;
    uint8 scale; // decimals of the asset's unit
    uint8 listed;
    uint40 from; // deposits from this time on
}

struct PolicyRecord {
    bytes32 hash;
    uint256 tcbMask; // bit t admits TCB state t
}

struct MeasurementRecord {
    uint40 until; // last second of validity
    uint40 from;
}

struct SeatsRecord {
    uint8 k;
    uint8 n; // seats, removed members included
    uint8 f;
    uint8 live; // seats less removed members
    uint40 from;
}

struct CouncilRecord {
    SeatsRecord seats;
    uint256[16] member; // addresses, 0 once removed
}

struct BucketRecord {
    uint64 level;
    uint64 cap;
    uint40 asOf;
    uint24 fraction; // of a unit, in 1/86400
}

struct RaiseRecord {
    uint64 cap;
    uint40 when; // 0 when no raise waits
}

struct Bucket {
    BucketRecord now;
    RaiseRecord next;
}

/// Of an account in one asset, in mode root.
struct PoolRecord {
    uint96 deposited; // all that ever was
    uint32 position; // in the state tree, given at the first deposit; 0: none was
    uint8 closed;
}

/// Storage and what is fixed at deployment. The layout is the protocol's (docs/protocol/ledger.md, "Slots"): the C
/// ledger keeps the same values under the same keys, and proofs of slots are read by it.
abstract contract State {
    uint8 internal constant MODE_NET = 1;
    uint8 internal constant MODE_ROOT = 2;
    uint8 internal constant KEY_LIVE = 1;
    uint8 internal constant KEY_REVOKED = 2;
    uint256 internal constant GOVERNORS = 1;
    uint256 internal constant GUARDIANS = 2;
    uint256 internal constant VERIFIERS = 3;
    uint256 internal constant SEATS_MAX = 16;
    uint256 internal constant TIME_MAX = 2 ** 39 - 1;
    /// A lane: open bit 63, units below it; four to a slot.
    uint256 internal constant LANE_OPEN = 2 ** 63;
    uint256 internal constant LANE_MAX = LANE_OPEN - 1;
    uint256 internal constant LANE_SLOTS = 2 ** 30;

    // ---- storage: slots 0 to 8, mappings from 16, by asset from 100 ----

    bytes32 internal _head;
    bytes32 internal _inbox;
    StatusRecord internal _status;
    bytes32 internal _alarmHead;
    uint256 internal _alarmAt;
    CounterRecord internal _counters;
    bytes32 internal _instance; // of the newest fencing registration
    uint256 internal _topEpoch;
    uint256 internal _nextPosition; // mode root
    uint256[7] private _spare9;
    mapping(address key => KeyRecord) internal _keys;
    mapping(AccountId id => AccountRecord) internal _accounts;
    mapping(address owner => uint256 id) internal _idOf;
    mapping(AssetId asset => AssetRecord) internal _assets;
    mapping(uint32 policy => PolicyRecord) internal _policies;
    mapping(uint32 policy => mapping(bytes32 measurement => MeasurementRecord)) internal _measurements;
    mapping(uint256 kindAndVersion => CouncilRecord) internal _councils;
    mapping(bytes32 instance => uint256) internal _revoked;
    uint256[76] private _spare24;
    mapping(AssetId asset => uint256[LANE_SLOTS]) internal _lanes;
    mapping(AssetId asset => uint256[LANE_SLOTS]) internal _freeLanes;
    mapping(AssetId asset => Bucket) internal _buckets;
    mapping(AssetId asset => PoolRecord[2 ** 32]) internal _pool; // mode root, by account

    // ---- what is fixed ----

    bytes32 internal immutable DOMAIN;
    bytes32 internal immutable SEPARATOR;
    uint256 internal immutable CHAIN;
    uint256 internal immutable MAX_VALIDITY;
    uint256 internal immutable MAX_PAUSE;
    uint256 internal immutable EXIT_DELAY;
    uint256 internal immutable NOTICE;
    uint256 internal immutable DEAD_AFTER;
    uint256 internal immutable KEY_DELAY;

    /// @param genesis The ledger's part of genesis, the same bytes that an embedded ledger has in block 0
    /// (docs/protocol/ledger.md, "Constructor"); the slots written are the same, too.
    constructor(bytes memory genesis) {
        Rd memory rd = Rd(genesis, 0, false);
        if (rd.u8() != 1) revert Genesis("version");
        if (rd.u8() != 0) revert Genesis("embedded");
        if (rd.be(8) != block.chainid || block.chainid >= 2 ** 40) revert Genesis("chain_id");
        if (rd.addr() != address(this)) revert Genesis("contract");
        DOMAIN = rd.word();
        if (rd.u8() != _mode()) revert Genesis("mode");

        MAX_VALIDITY = rd.u40();
        MAX_PAUSE = rd.u40();
        EXIT_DELAY = rd.u40();
        NOTICE = rd.u40();
        DEAD_AFTER = rd.u40();
        if (rd.u40() != MAX_VALIDITY) revert Genesis("overlap");
        KEY_DELAY = rd.u40();
        _checkParameters();
        CHAIN = block.chainid;
        SEPARATOR = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"),
                keccak256("Counterfoil"),
                keccak256("1"),
                block.chainid,
                address(this),
                DOMAIN
            )
        );
        _head = keccak256(abi.encode(SEPARATOR));
        _found(rd);
        if (!rd.done()) revert Genesis("length");
    }

    /// The one mode that a contract has, for good: by mode, the same storage means different promises.
    function _mode() internal pure virtual returns (uint8);

    function _checkParameters() private view {
        if (
            MAX_VALIDITY > type(uint32).max || MAX_PAUSE > type(uint32).max || EXIT_DELAY > type(uint32).max
                || NOTICE > type(uint32).max || DEAD_AFTER > type(uint32).max || KEY_DELAY > type(uint32).max
        ) revert Genesis("parameters");
        if (MAX_VALIDITY == 0) revert Genesis("max_validity");
        if (2 * KEY_DELAY >= MAX_VALIDITY) revert Genesis("key_delay");
        if (EXIT_DELAY < MAX_PAUSE + 4 * MAX_VALIDITY) revert Genesis("exit_delay");
        if (NOTICE < EXIT_DELAY + MAX_PAUSE) revert Genesis("notice");
        if (DEAD_AFTER < EXIT_DELAY + 2 * MAX_PAUSE + 4 * MAX_VALIDITY) revert Genesis("dead_after");
    }

    function _found(Rd memory rd) private {
        uint40 time = rd.u40();
        if (time == 0 || time > TIME_MAX) revert Genesis("time");

        uint32 policy = rd.u32();
        PolicyRecord memory first = PolicyRecord(rd.word(), uint256(rd.word()));
        if (policy == 0 || first.hash == 0) revert Genesis("policy");
        _status.policyA = policy;
        _status.policyB = policy;
        _status.minKeyPolicy = policy;
        _policies[policy] = first;

        for (uint256 left = rd.be(2); left > 0 && !rd.bad; left--) {
            MeasurementRecord storage m = _measurements[policy][rd.word()];
            uint40 until = rd.u40();
            if (until > TIME_MAX || m.until != 0) revert Genesis("measurements");
            m.until = until;
        }

        uint32 version = rd.u32();
        if (version == 0) revert Genesis("councils");
        for (uint256 kind = GOVERNORS; kind <= VERIFIERS; kind++) {
            if (!_putCouncil(rd, kind, version, 0)) revert Genesis("councils");
        }

        uint24 cnt = uint24(rd.be(2));
        for (uint24 i = 0; i < cnt && !rd.bad; i++) {
            AssetRecord memory asset = AssetRecord(rd.addr(), rd.u8(), 1, 0);
            uint64 cap = uint64(rd.be(8));
            if (asset.token == address(0)) revert Genesis("assets");
            _assets[AssetId.wrap(i)] = asset;
            _buckets[AssetId.wrap(i)].now = BucketRecord(cap, cap, time, 0);
        }
        _counters.nextAccount = 1;
        _counters.nextAsset = cnt;
        _counters.council = version;
    }

    /// Reads a council, k u8 | f u8 | n u8 | n addresses, and stores it. False for one that breaks the rule of
    /// councils: 1 <= k <= n <= 16, k > f, members distinct and not 0.
    function _putCouncil(Rd memory rd, uint256 kind, uint32 version, uint40 from) internal returns (bool) {
        uint8 k = rd.u8();
        uint8 f = rd.u8();
        uint8 n = rd.u8();
        if (n > SEATS_MAX || k == 0 || k > n || k <= f) return false;
        CouncilRecord storage council = _council(kind, version);
        council.seats = SeatsRecord(k, n, f, n, from);
        for (uint256 i = 0; i < n; i++) {
            uint160 member = uint160(rd.addr());
            if (member == 0) return false;
            for (uint256 j = 0; j < i; j++) {
                if (council.member[j] == member) return false;
            }
            council.member[i] = member;
        }
        return true;
    }

    modifier alive() {
        if (_status.dead != 0) revert Dead();
        _;
    }

    function _now() internal view returns (uint40) {
        return uint40(block.timestamp);
    }

    /// Folds the message kind || now || data into the inbox.
    function _message(uint8 kind, bytes memory data) internal {
        bytes memory message = abi.encodePacked(kind, _now(), data);
        _inbox = keccak256(abi.encodePacked(_inbox, message));
        emit ILedger.Inbox(message);
    }

    /// The same for data that is the lowest size bytes of a number, at most 26: the message fits into a word.
    function _message(uint8 kind, uint256 data, uint256 size) internal {
        uint256 message = uint256(kind) << 248 | block.timestamp << 208 | data << 8 * (26 - size);
        bytes32 inbox = _inbox;
        bytes32 topic = ILedger.Inbox.selector;
        assembly ("memory-safe") {
            let mem := mload(0x40)
            mstore(mem, inbox)
            mstore(add(mem, 0x20), message)
            inbox := keccak256(mem, add(38, size))
            mstore(mem, 0x20) // as the ABI has bytes: where they are, how many, and they
            mstore(add(mem, 0x20), add(6, size))
            mstore(add(mem, 0x40), message)
            log1(mem, 0x60, topic)
        }
        _inbox = inbox;
    }

    function _digest(bytes32 structHash) internal view returns (bytes32 digest) {
        bytes32 separator = SEPARATOR;
        assembly ("memory-safe") {
            let mem := mload(0x40)
            mstore(mem, shl(240, 0x1901))
            mstore(add(mem, 2), separator)
            mstore(add(mem, 34), structHash)
            digest := keccak256(mem, 66)
        }
    }

    /// Who signed digest, by an EIP-2098 signature; 0 when it is not valid or not canonical (s above half the order).
    function _signer(bytes32 digest, bytes32 r, bytes32 vs) internal pure returns (address) {
        uint256 s = uint256(vs) & (2 ** 255 - 1);
        if (s > 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0) return address(0);
        return ecrecover(digest, uint8(27 + (uint256(vs) >> 255)), r, bytes32(s));
    }

    function _policyInForce() internal view returns (uint32) {
        return block.timestamp >= _status.switchAt ? _status.policyB : _status.policyA;
    }

    function _council(uint256 kind, uint32 version) internal view returns (CouncilRecord storage) {
        return _councils[kind << 32 | version];
    }

    /// @param kind Any: all councils of a version start together.
    function _councilInForce(uint256 kind) internal view returns (uint32) {
        uint32 newest = _counters.council;
        return block.timestamp >= _council(kind, newest).seats.from ? newest : _counters.prevCouncil;
    }

    /// Refuses unless exactly k present members of that council signed digest, in the order of their seats.
    /// @param signatures For each: seat u8, r, vs.
    function _checkSignatures(uint256 kind, uint32 version, bytes calldata signatures, bytes32 digest) internal view {
        CouncilRecord storage council = _council(kind, version);
        uint256 k = council.seats.k;
        uint256 n = council.seats.n;
        if (k == 0 || signatures.length != 65 * k) revert Signatures(signatures.length / 65);
        uint256 next = 0; // the lowest seat that may come now
        for (uint256 i = 0; i < k; i++) {
            uint256 seat;
            bytes32 r;
            bytes32 vs;
            assembly ("memory-safe") {
                let one := add(signatures.offset, mul(65, i))
                seat := byte(0, calldataload(one))
                r := calldataload(add(one, 1))
                vs := calldataload(add(one, 33))
            }
            if (seat < next || seat >= n) revert Signatures(i);
            next = seat + 1;
            address signer = _signer(digest, r, vs);
            if (signer == address(0) || uint160(signer) != council.member[seat]) revert Signatures(i);
        }
    }

    // ---- lanes ----

    function _lane(uint256[LANE_SLOTS] storage lanes, uint256 id) internal view returns (uint256) {
        unchecked {
            return uint64(lanes[id >> 2] >> 64 * (id & 3));
        }
    }

    function _setLane(uint256[LANE_SLOTS] storage lanes, uint256 id, uint256 lane) internal {
        unchecked {
            uint256 shift = 64 * (id & 3);
            uint256 word = lanes[id >> 2];
            lanes[id >> 2] = word ^ ((word >> shift ^ lane) & type(uint64).max) << shift;
        }
    }

    // ---- the bucket of releases ----

    /// The bucket as it stands now: cap a day flows in, up to cap; what is below a unit is kept, so that many small
    /// steps give what one gives. A raise that is due splits the time there.
    function _filled(AssetId asset) internal view returns (BucketRecord memory b, RaiseRecord memory next) {
        b = _buckets[asset].now;
        next = _buckets[asset].next;
        if (next.when != 0 && block.timestamp >= next.when) {
            _fill(b, next.when);
            b.cap = next.cap;
            next = RaiseRecord(0, 0);
        }
        _fill(b, block.timestamp);
    }

    function _fill(BucketRecord memory b, uint256 to) private pure {
        if (to <= b.asOf) return;
        uint256 due = uint256(b.cap) * (to - b.asOf) + b.fraction;
        bool full = due / 1 days >= b.cap - b.level;
        b.level = full ? b.cap : b.level + uint64(due / 1 days);
        b.fraction = full ? 0 : uint24(due % 1 days);
        b.asOf = uint40(to);
    }

    /// Lets units out, as far as the bucket has them.
    function _release(AssetId asset, uint256 units) internal {
        (BucketRecord memory b, RaiseRecord memory next) = _filled(asset);
        if (units > b.level) revert Cap(asset, b.level);
        b.level -= uint64(units);
        _store(asset, b, next);
    }

    function _store(AssetId asset, BucketRecord memory b, RaiseRecord memory next) internal {
        _buckets[asset].now = b;
        RaiseRecord storage waits = _buckets[asset].next;
        if (waits.cap != next.cap || waits.when != next.when) _buckets[asset].next = next;
    }
}
