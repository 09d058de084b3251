// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./State.sol";

/// What ledgers of both modes share: accounts, the alarm, keys, and the acts of governors and guardians.
abstract contract Ledger is ILedger, State {
    bytes32 private constant REGISTRATION = keccak256(
        "Registration(bytes32 domain,address key,uint256 terms,bytes32 instance,bytes32 certificate,bytes32 measurement,bytes32 evidence)"
    );
    bytes32 private constant POSSESSION = keccak256("Possession(bytes32 registration)");
    bytes32 private constant REVOKE_KEY = keccak256("RevokeKey(address key)");
    bytes32 private constant ACT = keccak256("Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)");
    uint256 private constant KEY_VALIDITY_MAX = 30 days;

    /// What is fixed: domain is the SHA-256 of the body of genesis; separator is EIP-712's, of the chain id of the
    /// deployment, and does not follow a split; times are in seconds.
    function parameters()
        external
        view
        returns (
            bytes32 domain,
            bytes32 separator,
            uint256 maxValidity,
            uint256 maxPause,
            uint256 exitDelay,
            uint256 notice,
            uint256 deadAfter,
            uint256 keyDelay
        )
    {
        return (DOMAIN, SEPARATOR, MAX_VALIDITY, MAX_PAUSE, EXIT_DELAY, NOTICE, DEAD_AFTER, KEY_DELAY);
    }

    // ---- accounts ----

    /// Opens an account for owner, who may have one. Anyone may call. Inbox 1.
    function open(address owner) external alive returns (AccountId id) {
        if (owner == address(0)) revert Owner(AccountId.wrap(0));
        uint256 known = _idOf[owner];
        if (known != 0) revert AlreadyOpen(AccountId.wrap(uint32(known)));
        uint32 next = _counters.nextAccount;
        if (next == type(uint32).max) revert Full();
        id = AccountId.wrap(next);
        _counters.nextAccount = next + 1;
        _idOf[owner] = next;
        _accounts[id] = AccountRecord(owner, 0, 0);
        _message(1, uint256(next) << 160 | uint160(owner), 24);
    }

    /// The owner's one-way decision to leave: the account takes no deposit any more, and is paid out after exitDelay.
    /// Inbox 4.
    function requestExit(AccountId id) external alive {
        AccountRecord storage account = _owned(id);
        if (account.closed != 0 || account.exitAt != 0) revert Exiting(id, account.exitAt);
        account.exitAt = _now();
        _message(4, AccountId.unwrap(id), 4);
    }

    function _account(AccountId id) internal view returns (AccountRecord storage account) {
        account = _accounts[id];
        if (account.owner == address(0)) revert Account(id);
    }

    function _owned(AccountId id) internal view returns (AccountRecord storage account) {
        account = _account(id);
        if (account.owner != msg.sender) revert Owner(id);
    }

    /// When an account's exit is due; 0 when none was requested.
    function _exitFrom(AccountRecord storage account) internal view returns (uint256) {
        return account.exitAt == 0 ? 0 : account.exitAt + EXIT_DELAY;
    }

    function _asset(AssetId asset) internal view returns (AssetRecord storage record) {
        record = _assets[asset];
        if (record.token == address(0)) revert Asset(asset);
    }

    // ---- the alarm ----

    /// Says that nothing settles: unless the head changes within deadAfter, the ledger may be declared dead. Inbox 6.
    function alarm() external alive {
        if (_alarmHead == _head) revert Alarmed(uint40(_alarmAt));
        _alarmHead = _head;
        _alarmAt = _now();
        _message(6, abi.encodePacked(_head));
    }

    /// Ends the ledger for good, so that everybody can leave. Inbox 7.
    function declareDead() external alive {
        if (_alarmHead != _head) revert NoAlarm();
        uint256 from = _alarmAt + DEAD_AFTER;
        if (block.timestamp < from) revert DeadDelay(uint40(from));
        _status.dead = 1;
        _message(7, "");
    }

    // ---- keys ----

    /// Registers a settlement key on the word of the verifiers' council and by proof that the key is held.
    /// @param terms From bit 0 up: epoch u40, policy u32, notBefore u40, notAfter u40, tcb u8, fence u8, logIndex u56,
    /// council u32. fence = 1 ends all keys of earlier epochs.
    /// @param r With vs: the key's own signature of Possession.
    /// @param signatures The verifiers', for each: seat u8, r, vs; seats rising.
    function register(
        address key,
        uint256 terms,
        bytes32 instance,
        bytes32 certificate,
        bytes32 measurement,
        bytes32 evidence,
        bytes32 r,
        bytes32 vs,
        bytes calldata signatures
    ) external alive {
        _checkCouncil(uint32(terms >> 224));
        {
            bytes32 digest = _digest(
                keccak256(abi.encode(REGISTRATION, DOMAIN, key, terms, instance, certificate, measurement, evidence))
            );
            _checkSignatures(VERIFIERS, uint32(terms >> 224), signatures, digest);
            if (!_signedBy(key, _digest(keccak256(abi.encode(POSSESSION, digest))), r, vs)) revert Possession();
        }
        if (_keys[key].state != 0) revert KeyKnown(_keys[key].state);
        _checkTerms(terms, measurement);
        emit Registered(key, _enrol(key, terms, instance));
    }

    function _signedBy(address key, bytes32 digest, bytes32 r, bytes32 vs) private pure returns (bool) {
        address signer = _signer(digest, r, vs);
        return signer != address(0) && signer == key;
    }

    /// The verifiers' council in force, or the one before it until its time.
    function _checkCouncil(uint32 version) private view {
        bool before = version == _counters.prevCouncil && version != 0 && block.timestamp <= _counters.prevCouncilUntil;
        if (version != _councilInForce(VERIFIERS) && !before) revert Council(version);
    }

    /// Dates, policy and platform state, by what governors laid down.
    function _checkTerms(uint256 terms, bytes32 measurement) private view {
        uint32 policy = uint32(terms >> 40);
        uint40 notBefore = uint40(terms >> 72);
        uint40 notAfter = uint40(terms >> 112);
        uint8 tcb = uint8(terms >> 152);
        if (notAfter > notBefore + KEY_VALIDITY_MAX) revert Term(notBefore, notAfter);
        // A policy that waits must admit nothing before its time.
        if (_policies[policy].hash == 0 || policy > _policyInForce()) revert Policy(policy);
        MeasurementRecord storage m = _measurements[policy][measurement];
        if (block.timestamp < m.from || notAfter > m.until) revert Measurement(m.until);
        if (policy < _status.minKeyPolicy) revert KeyPolicy(_status.minKeyPolicy);
        if (_policies[policy].tcbMask >> tcb & 1 == 0) revert Tcb(tcb);
    }

    function _enrol(address key, uint256 terms, bytes32 instance) private returns (uint40 notBefore) {
        uint40 epoch = uint40(terms);
        uint40 notAfter = uint40(terms >> 112);
        uint8 fence = uint8(terms >> 160);
        // The last epoch number is never given: floorEpoch must be able to rise above every key.
        if (epoch <= _status.floorEpoch || epoch == type(uint40).max) revert Epoch(_status.floorEpoch);
        if (_revoked[instance] != 0) revert Revoked();
        // The ledger cannot see whether the key before signed this one over; the delay is the guardians' time to revoke.
        uint256 earliest = block.timestamp + KEY_DELAY;
        notBefore = uint40(terms >> 72);
        if (notBefore < earliest) notBefore = uint40(earliest);
        if (notBefore >= notAfter) revert Delay(notBefore);
        if (fence > 1 || (fence == 0 && instance != _instance)) revert Fence();
        if (fence == 1) {
            _status.floorEpoch = epoch;
            _instance = instance;
        }
        if (epoch > _topEpoch) _topEpoch = epoch;
        _keys[key] = KeyRecord(KEY_LIVE, epoch, uint32(terms >> 40), notBefore, notAfter, uint8(terms >> 152));
    }

    /// A key ends itself, at once and for good; also before it is registered. Anyone may bring its signature. Inbox 9.
    function revokeKey(address key, bytes32 r, bytes32 vs) external alive {
        if (!_signedBy(key, _digest(keccak256(abi.encode(REVOKE_KEY, key))), r, vs)) revert Possession();
        if (_keys[key].state == KEY_REVOKED) revert KeyKnown(KEY_REVOKED);
        _keys[key].state = KEY_REVOKED;
        _message(9, abi.encodePacked(key));
    }

    // ---- acts ----

    /// What governors (council 1) or guardians (council 2) order, as bytes: kind u8 and the fields of the kind
    /// (docs/protocol/ledger.md, "Acts"). What adds trust waits for the notice and comes into force by time alone; what
    /// takes trust away is immediate.
    /// @param version The council's version, which must be the one in force.
    /// @param number Higher than that of any act of the council before.
    /// @param notAfter The last second at which the act may run.
    /// @param signatures As of register.
    function act(
        uint8 council,
        uint32 version,
        uint48 number,
        uint40 notAfter,
        bytes calldata signatures,
        bytes calldata body
    ) external alive {
        Order memory a = _readAct(body);
        bool guardians = a.kind == REVOKE || a.kind == PAUSE;
        if (council != (guardians ? GUARDIANS : GOVERNORS)) revert Act();
        if (version != _councilInForce(council)) revert Council(version);
        uint48 last = guardians ? _counters.guardAct : _counters.govAct;
        if (number <= last) revert ActNumber(last);
        if (block.timestamp > notAfter) revert ActExpired(notAfter);
        bytes32 signed = keccak256(abi.encode(ACT, council, version, number, notAfter, keccak256(body)));
        _checkSignatures(council, version, signatures, _digest(signed));
        if (guardians) _counters.guardAct = number;
        else _counters.govAct = number;
        _run(a);
    }

    // Kinds of acts.
    uint8 private constant REVOKE = 1;
    uint8 private constant PAUSE = 2;
    uint8 private constant SCHEDULE_POLICY = 16;
    uint8 private constant SCHEDULE_MEASUREMENT = 17;
    uint8 private constant SCHEDULE_COUNCILS = 18;
    uint8 private constant SCHEDULE_ASSET = 19;
    uint8 private constant RAISE_CAP = 20;
    uint8 private constant END_MEASUREMENT = 32;
    uint8 private constant DELIST_ASSET = 33;
    uint8 private constant LOWER_CAP = 34;
    uint8 private constant RAISE_KEY_POLICY = 35;
    uint8 private constant REMOVE_MEMBER = 36;

    /// An act's fields; those that its kind has not are 0.
    struct Order {
        uint8 kind;
        uint32 policy; // or version of councils
        AssetId asset;
        bytes32 hash; // policy, measurement, instance, or the act itself when it names councils
        uint256 tcbMask;
        address token;
        uint8 scale;
        uint64 cap;
        uint40 from;
        uint40 until;
        uint8 council;
        uint8 member;
        Rd councils;
    }

    function _readAct(bytes calldata body) private pure returns (Order memory a) {
        Rd memory rd = Rd(body, 0, false);
        a.kind = rd.u8();
        if (a.kind == REVOKE) {
            a.hash = rd.word();
        } else if (a.kind == SCHEDULE_POLICY) {
            a.policy = rd.u32();
            a.hash = rd.word();
            a.tcbMask = uint256(rd.word());
            a.from = rd.u40();
        } else if (a.kind == SCHEDULE_MEASUREMENT) {
            a.policy = rd.u32();
            a.hash = rd.word();
            a.from = rd.u40();
            a.until = rd.u40();
        } else if (a.kind == SCHEDULE_COUNCILS) {
            a.policy = rd.u32();
            a.from = rd.u40();
            a.hash = keccak256(body);
            a.councils = Rd(rd.data, rd.pos, rd.bad);
            for (uint256 i = 0; i < 3; i++) {
                rd.be(2);
                uint8 n = rd.u8();
                if (n > SEATS_MAX) revert Act();
                for (; n > 0; n--) rd.addr();
            }
        } else if (a.kind == SCHEDULE_ASSET) {
            a.asset = AssetId.wrap(uint24(rd.be(3)));
            a.token = rd.addr();
            a.scale = rd.u8();
            a.cap = uint64(rd.be(8));
            a.from = rd.u40();
        } else if (a.kind == RAISE_CAP) {
            a.asset = AssetId.wrap(uint24(rd.be(3)));
            a.cap = uint64(rd.be(8));
            a.from = rd.u40();
        } else if (a.kind == END_MEASUREMENT) {
            a.policy = rd.u32();
            a.hash = rd.word();
            a.until = rd.u40();
        } else if (a.kind == DELIST_ASSET) {
            a.asset = AssetId.wrap(uint24(rd.be(3)));
        } else if (a.kind == LOWER_CAP) {
            a.asset = AssetId.wrap(uint24(rd.be(3)));
            a.cap = uint64(rd.be(8));
        } else if (a.kind == RAISE_KEY_POLICY) {
            a.policy = rd.u32();
        } else if (a.kind == REMOVE_MEMBER) {
            a.council = rd.u8();
            a.policy = rd.u32();
            a.member = rd.u8();
        } else if (a.kind != PAUSE) {
            revert Act();
        }
        if (!rd.done() || a.from > TIME_MAX || a.until > TIME_MAX) revert Act();
    }

    function _run(Order memory a) private {
        if (a.kind >= SCHEDULE_POLICY && a.kind <= RAISE_CAP && a.from < block.timestamp + NOTICE) {
            revert Notice(uint40(block.timestamp + NOTICE));
        }
        if (a.kind == REVOKE) _revoke(a.hash);
        else if (a.kind == PAUSE) _pause();
        else if (a.kind == SCHEDULE_POLICY) _schedulePolicy(a);
        else if (a.kind == SCHEDULE_MEASUREMENT) _scheduleMeasurement(a);
        else if (a.kind == SCHEDULE_COUNCILS) _scheduleCouncils(a);
        else if (a.kind == SCHEDULE_ASSET) _scheduleAsset(a);
        else if (a.kind == RAISE_CAP) _raiseCap(a);
        else if (a.kind == END_MEASUREMENT) _endMeasurement(a);
        else if (a.kind == DELIST_ASSET) _delistAsset(a.asset);
        else if (a.kind == LOWER_CAP) _lowerCap(a);
        else if (a.kind == RAISE_KEY_POLICY) _raiseKeyPolicy(a.policy);
        else _removeMember(a);
    }

    /// Ends an instance for ever, also one that is not registered yet; if its keys are the ledger's, they end.
    function _revoke(bytes32 instance) private {
        if (_revoked[instance] != 0) revert Revoked();
        _revoked[instance] = 1;
        if (_instance == instance) _status.floorEpoch = uint40(_topEpoch + 1);
        _message(8, abi.encodePacked(instance));
    }

    /// Not again before what was paused could be used for the whole exit delay.
    function _pause() private {
        uint256 from = _status.pausedUntil == 0 ? 0 : _status.pausedUntil + EXIT_DELAY;
        if (block.timestamp < from) revert Cooldown(uint40(from));
        uint40 until = uint40(block.timestamp + MAX_PAUSE);
        _status.pausedUntil = until;
        _message(10, abi.encodePacked(until));
    }

    /// A schedule that waits may be replaced; one whose overlap runs may not.
    function _schedulePolicy(Order memory a) private {
        StatusRecord memory s = _status;
        uint256 until = s.switchAt + MAX_VALIDITY;
        if (block.timestamp >= s.switchAt && block.timestamp <= until) revert Pending(uint40(until));
        if (a.policy <= s.policyB) revert Version(s.policyB);
        if (a.hash == 0) revert Act();
        if (block.timestamp < s.switchAt) delete _policies[s.policyB]; // it will never be: no key may name it
        else s.policyA = s.policyB;
        s.policyB = a.policy;
        s.switchAt = a.from;
        _status = s;
        _policies[a.policy] = PolicyRecord(a.hash, a.tcbMask);
        _message(11, abi.encodePacked(a.policy, a.hash, a.from));
    }

    function _scheduleMeasurement(Order memory a) private {
        if (_policies[a.policy].hash == 0) revert Policy(a.policy);
        // One that has not ended is not touched: a later start would suspend it.
        MeasurementRecord storage m = _measurements[a.policy][a.hash];
        if (a.until <= a.from || m.until >= block.timestamp) revert Measurement(m.until);
        _putMeasurement(a, a.from);
    }

    function _putMeasurement(Order memory a, uint40 from) private {
        _measurements[a.policy][a.hash] = MeasurementRecord(a.until, from);
        _message(12, abi.encodePacked(a.policy, a.hash, from, a.until));
    }

    function _scheduleCouncils(Order memory a) private {
        CounterRecord memory c = _counters;
        bool waiting = _councilInForce(GOVERNORS) != c.council;
        if (!waiting && block.timestamp <= c.prevCouncilUntil) revert Pending(c.prevCouncilUntil);
        if (a.policy <= c.council) revert Version(c.council);
        for (uint256 kind = GOVERNORS; kind <= VERIFIERS; kind++) {
            if (!_putCouncil(a.councils, kind, a.policy, a.from)) revert Seats(uint8(kind));
        }
        if (!waiting) c.prevCouncil = c.council;
        c.council = a.policy;
        c.prevCouncilUntil = uint40(a.from + MAX_VALIDITY);
        _counters = c;
        _message(13, abi.encodePacked(a.policy, a.hash, a.from));
    }

    function _scheduleAsset(Order memory a) private {
        uint24 id = AssetId.unwrap(a.asset);
        if (id != _counters.nextAsset || id == type(uint24).max || a.token == address(0)) revert Asset(a.asset);
        _counters.nextAsset = id + 1;
        _store(a.asset, BucketRecord(a.cap, a.cap, a.from, 0), RaiseRecord(0, 0));
        _putAsset(a.asset, AssetRecord(a.token, a.scale, 1, a.from));
    }

    function _putAsset(AssetId id, AssetRecord memory asset) private {
        _assets[id] = asset;
        _message(14, abi.encodePacked(id, asset.token, asset.scale, asset.listed, asset.from));
    }

    function _raiseCap(Order memory a) private {
        _asset(a.asset);
        (BucketRecord memory b, RaiseRecord memory next) = _filled(a.asset);
        if (a.cap <= b.cap) revert NotLess();
        next = RaiseRecord(a.cap, a.from);
        _store(a.asset, b, next);
        _message(15, abi.encodePacked(a.asset, a.cap, a.from));
    }

    function _endMeasurement(Order memory a) private {
        MeasurementRecord storage m = _measurements[a.policy][a.hash];
        if (a.until >= m.until) revert NotLess();
        _putMeasurement(a, m.from);
    }

    function _delistAsset(AssetId id) private {
        AssetRecord memory asset = _asset(id);
        if (asset.listed == 0) revert NotLess();
        asset.listed = 0;
        _putAsset(id, asset);
    }

    /// A raise that waits is taken back, too.
    function _lowerCap(Order memory a) private {
        _asset(a.asset);
        (BucketRecord memory b, RaiseRecord memory next) = _filled(a.asset);
        if (a.cap > b.cap || (a.cap == b.cap && next.when == 0)) revert NotLess();
        b.cap = a.cap;
        if (b.level >= b.cap) {
            b.level = b.cap;
            b.fraction = 0;
        }
        _store(a.asset, b, RaiseRecord(0, 0));
        _message(15, abi.encodePacked(a.asset, a.cap, _now()));
    }

    function _raiseKeyPolicy(uint32 policy) private {
        if (policy <= _status.minKeyPolicy) revert NotLess();
        if (policy > _policyInForce()) revert Policy(policy);
        _status.minKeyPolicy = policy;
        _message(16, abi.encodePacked(policy));
    }

    function _removeMember(Order memory a) private {
        CouncilRecord storage council = _council(a.council, a.policy);
        if (a.member >= council.seats.n) revert Council(a.policy);
        if (council.member[a.member] == 0) revert NotLess();
        if (council.seats.live <= council.seats.k) revert Seats(a.council);
        council.seats.live--;
        council.member[a.member] = 0;
        _message(17, abi.encodePacked(a.council, a.policy, a.member));
    }
}
