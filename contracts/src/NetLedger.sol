// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Body.sol";
import "./Ledger.sol";
import "./Tokens.sol";

/// @title Counterfoil's ledger in mode net: balances of accounts in lanes, moved by settlements that an attested
/// enclave signs; every account can leave on its own.
/// @notice One contract is one domain's ledger. It cannot be changed and has no owner: what governors and guardians may
/// order is in `act`. The rules are those of docs/protocol/ledger.md; every refusal is an error named there.
contract NetLedger is Ledger {
    bytes32 private constant SETTLEMENT =
        keccak256("Settlement(uint256 meta,bytes32 prevHead,bytes32 stateRoot,bytes32 entries,bytes32 receipts)");

    /// A settlement ran; head is its digest and the new head of the ledger.
    event Settled(bytes32 indexed head, uint256 meta, bytes32 stateRoot, bytes32 entries, bytes32 receipts);
    event Withdrawn(AccountId indexed id, AssetId asset, uint64 units, address to);

    constructor(bytes memory genesis) Ledger(genesis) {}

    // ---- settlements ----

    /// Runs a settlement over the present head; anyone may bring it. The body stands directly behind the arguments.
    /// @param meta From bit 0 up: sequence u64, validUntil u40, asOf u40, policy u32, mode u8; all above is 0.
    /// @param stateRoot The enclave's state after it; not looked at here.
    /// @param receipts What ties the log's receipts to it; not looked at here.
    /// @param r With vs: the settlement key's EIP-2098 signature of Settlement.
    function settle(uint256 meta, bytes32 stateRoot, bytes32 receipts, bytes32 r, bytes32 vs) external {
        _checkTimes(meta);
        if (meta >> 184 != 0 || uint8(meta >> 176) != MODE_NET) revert Mode(uint8(meta >> 176));
        bytes32 entries = keccak256(msg.data[Body.AT:]);
        bytes32 head = _digest(keccak256(abi.encode(SETTLEMENT, meta, _head, stateRoot, entries, receipts)));
        _checkKey(_signer(head, r, vs));
        _runBody();
        _head = head;
        emit Settled(head, meta, stateRoot, entries, receipts);
    }

    function _checkTimes(uint256 meta) private view {
        uint40 validUntil = uint40(meta >> 64);
        uint40 asOf = uint40(meta >> 104);
        uint32 policy = uint32(meta >> 144);
        if (block.chainid != CHAIN) revert WrongChain(block.chainid);
        if (_status.dead != 0) revert Dead();
        if (block.timestamp < _status.pausedUntil) revert Paused(_status.pausedUntil);
        if (block.timestamp > validUntil) revert Expired(validUntil);
        if (validUntil > asOf + maxValidity || asOf > block.timestamp) revert Validity(validUntil, asOf);
        bool before = policy == _status.policyA && block.timestamp <= _status.switchAt + maxValidity;
        bool behind = policy == _status.policyB && block.timestamp >= _status.switchAt;
        if (!before && !behind) revert Policy(policy);
    }

    function _checkKey(address signer) private view {
        KeyRecord storage key = _keys[signer];
        if (
            key.state != KEY_LIVE || key.epoch < _status.floorEpoch || key.policy < _status.minKeyPolicy
                || block.timestamp < key.notBefore || block.timestamp > key.notAfter
        ) revert Key();
    }

    // ---- the body: the quick way ----

    /// Where anything would be refused, takes all back and leaves it to the slow way to say what comes first.
    function _runBody() private {
        (bool releases, uint256 unbalanced, bool good) = _movePositions();
        if (!good) {
            _runSlowly();
            return;
        }
        if (releases) {
            _moveLanes(Body.RELEASES);
            _takeReleases();
        }
        if (unbalanced != 0) revert Unbalanced(AssetId.wrap(uint24(unbalanced - 1)));
    }

    /// @return releases There are sections of releases, well formed and not yet run.
    /// @return unbalanced The first asset whose amounts do not add up to 0, plus 1; 0 when there is none.
    /// @return good Nothing in the form and in the lanes of positions is to be refused. Otherwise nothing was done.
    function _movePositions() private returns (bool releases, uint256 unbalanced, bool good) {
        uint256 p = Body.AT;
        uint256 last = 0; // asset << 8 | kind of the section before, plus 1
        uint256 bytesLeft = Body.ENTRIES_MAX * Body.ENTRY;
        int256 total = 0; // of the asset whose sections are being read: they are neighbours
        unchecked {
            while (p < msg.data.length) {
                (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
                uint256 order = uint256(asset) << 8 | kind;
                uint256 size = to - from;
                if (
                    order < last || to > msg.data.length || kind > Body.RELEASES || asset > Body.ASSET_MAX || size == 0
                        || size > bytesLeft
                ) {
                    _undo(p);
                    return (false, 0, false);
                }
                bytesLeft -= size;
                if (order - last != 0 && total != 0 && unbalanced == 0) unbalanced = (last - 1 >> 8) + 1;
                if (order - last != 0) total = 0;
                last = order + 1;

                int256 sum;
                uint256 bad;
                if (kind == Body.POSITIONS) {
                    (sum, bad) = Body.move(_lanes[AssetId.wrap(asset)], from, to);
                } else {
                    (sum, bad) = Body.add(from, to);
                    releases = true;
                }
                if (bad != 0) {
                    _undo(to);
                    return (false, 0, false);
                }
                total += sum;
                p = to;
            }
            if (total != 0 && unbalanced == 0) unbalanced = (last - 1 >> 8) + 1;
        }
        good = true;
    }

    function _undo(uint256 end) private {
        for (uint256 p = Body.AT; p < end;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            if (kind == Body.POSITIONS) Body.undo(_lanes[AssetId.wrap(asset)], from, to);
            p = to;
        }
    }

    // ---- the body: the slow way, which says what it refuses ----

    function _runSlowly() internal {
        _checkForm();
        _moveLanes(Body.ALL);
        _takeReleases();
        _checkBalance();
    }

    function _checkForm() private pure {
        uint256 end = msg.data.length;
        uint256 last = 0;
        uint256 cnt = 0;
        for (uint256 p = Body.AT; p < end;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            uint256 order = uint256(asset) << 8 | kind;
            cnt += (to - from) / Body.ENTRY;
            if (
                to > end || kind > Body.RELEASES || asset > Body.ASSET_MAX || to == from || order < last
                    || cnt > Body.ENTRIES_MAX
            ) revert Entries(p - Body.AT);
            last = order + 1;
            uint256 lastId = 0;
            for (p = from; p < to; p += Body.ENTRY) {
                (uint256 id, int256 amount) = Body.entry(p);
                if (id <= lastId || amount == 0 || (kind == Body.RELEASES && amount < 0)) revert Entries(p - Body.AT);
                lastId = id;
            }
        }
    }

    /// Moves the lanes of all sections, or of those of one kind. Positions need an open lane; a release opens a free
    /// lane that is not.
    function _moveLanes(uint256 only) private {
        for (uint256 p = Body.AT; p < msg.data.length;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            p = to;
            if (only != Body.ALL && only != kind) continue;
            uint256[LANE_SLOTS] storage lanes =
                kind == Body.POSITIONS ? _lanes[AssetId.wrap(asset)] : _freeLanes[AssetId.wrap(asset)];
            for (; from < to; from += Body.ENTRY) {
                (uint256 id, int256 amount) = Body.entry(from);
                uint256 lane = _lane(lanes, id);
                int256 units = int256(lane & LANE_MAX) + amount;
                bool shut = kind == Body.POSITIONS && lane < LANE_OPEN;
                if (shut || units < 0 || units > int256(LANE_MAX)) {
                    revert Lane(AssetId.wrap(asset), AccountId.wrap(uint32(id)));
                }
                _setLane(lanes, id, LANE_OPEN | uint256(units));
            }
        }
    }

    function _takeReleases() private {
        for (uint256 p = Body.AT; p < msg.data.length;) {
            (uint256 kind, uint24 number, uint256 from, uint256 to) = Body.section(p);
            p = to;
            if (kind != Body.RELEASES) continue;
            AssetId asset = AssetId.wrap(number);
            (int256 released,) = Body.add(from, to);
            (BucketRecord memory b, RaiseRecord memory next) = _filled(asset);
            if (uint256(released) > b.level) revert Cap(asset, b.level);
            b.level -= uint64(uint256(released));
            _store(asset, b, next);
        }
    }

    function _checkBalance() private pure {
        int256 total = 0;
        uint24 last = 0;
        for (uint256 p = Body.AT; p < msg.data.length;) {
            (, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            if (asset != last && total != 0) break;
            last = asset;
            (int256 sum,) = Body.add(from, to);
            total += sum;
            p = to;
        }
        if (total != 0) revert Unbalanced(AssetId.wrap(last));
    }

    // ---- lanes ----

    function _lane(uint256[LANE_SLOTS] storage lanes, uint256 id) private view returns (uint256) {
        return uint64(lanes[id >> 2] >> 64 * (id & 3));
    }

    function _setLane(uint256[LANE_SLOTS] storage lanes, uint256 id, uint256 lane) private {
        uint256 shift = 64 * (id & 3);
        lanes[id >> 2] = lanes[id >> 2] & ~(uint256(type(uint64).max) << shift) | lane << shift;
    }

    /// Opens the lane of an account for an asset, so that it can be credited there. Anyone may call. Inbox 2.
    function openLane(AssetId asset, AccountId id) external alive {
        _account(id);
        _asset(asset);
        uint256[LANE_SLOTS] storage lanes = _lanes[asset];
        if (_lane(lanes, AccountId.unwrap(id)) >= LANE_OPEN) revert AlreadyOpen(id);
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN);
        _message(2, abi.encodePacked(asset, id));
    }

    // ---- money in ----

    /// Credits an account with what is pulled from the sender: units * 10 ^ (the token's decimals - the asset's scale)
    /// of the token, which must have allowed it; of ether, the same must come with the call. Inbox 3.
    function deposit(AssetId asset, AccountId id, uint64 units) external payable alive {
        if (block.timestamp < _status.pausedUntil) revert Paused(_status.pausedUntil);
        AccountRecord storage account = _account(id);
        if (account.closed != 0 || account.exitAt != 0) revert Exiting(id, account.exitAt);
        AssetRecord storage record = _asset(asset);
        if (record.listed == 0 || block.timestamp < record.from) revert Asset(asset);
        if (units == 0) revert Units();

        address token = record.token;
        uint256 unit = Tokens.unit(token, record.scale);
        uint256 before = Tokens.held(token);
        uint256[LANE_SLOTS] storage lanes = _lanes[asset];
        uint256 lane = _lane(lanes, AccountId.unwrap(id)) & LANE_MAX;
        if (before / unit + units > LANE_MAX || lane + units > LANE_MAX) revert Held(asset, before / unit);
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN | (lane + units));
        _message(3, abi.encodePacked(asset, id, units));
        Tokens.pull(token, units * unit, before);
    }

    // ---- ways out: never paused, never capped ----

    /// The owner takes what settlements have released to the account.
    function withdraw(AssetId asset, AccountId id, uint64 units, address to) external {
        _owned(id);
        AssetRecord storage record = _asset(asset);
        if (to == address(0)) revert Recipient();
        if (units == 0) revert Units();
        uint256[LANE_SLOTS] storage lanes = _freeLanes[asset];
        uint256 lane = _lane(lanes, AccountId.unwrap(id)) & LANE_MAX;
        if (lane < units) revert Free(uint64(lane));
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN | (lane - units));
        emit Withdrawn(id, asset, units, to);
        Tokens.pay(record.token, to, units * Tokens.unit(record.token, record.scale));
    }

    /// Pays out all of an account in one asset, once its exit is due or the ledger is dead. Anyone may call; again, to
    /// sweep what was credited late. Inbox 5.
    /// @param to Who is paid; 0 is the owner, and only the owner may name another.
    function finalizeExit(AssetId asset, AccountId id, address to) external {
        AccountRecord storage account = _account(id);
        AssetRecord storage record = _asset(asset);
        address owner = account.owner;
        uint256 from = account.exitAt == 0 ? 0 : account.exitAt + exitDelay;
        if ((from == 0 || block.timestamp < from) && _status.dead == 0) revert ExitDelay(uint40(from));
        if (to == address(0)) to = owner;
        if (to != owner && msg.sender != owner) revert Owner(id);

        uint256 units = _empty(_lanes[asset], AccountId.unwrap(id));
        uint256 freeUnits = _empty(_freeLanes[asset], AccountId.unwrap(id));
        if (units + freeUnits == 0 && account.closed != 0) revert Nothing();
        account.closed = 1;
        _message(5, abi.encodePacked(asset, id, uint64(units), uint64(freeUnits)));
        if (units + freeUnits == 0) return;
        Tokens.pay(record.token, to, (units + freeUnits) * Tokens.unit(record.token, record.scale));
    }

    /// The lane stays open, so that a settlement that still credits the account runs and can be swept.
    function _empty(uint256[LANE_SLOTS] storage lanes, uint256 id) private returns (uint256 units) {
        units = _lane(lanes, id) & LANE_MAX;
        if (units != 0) _setLane(lanes, id, LANE_OPEN);
    }
}
