// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Ledger.sol";
import "./Lanes.sol";
import "./Tokens.sol";

/// @title Counterfoil's ledger in mode net: balances of accounts in lanes, moved by settlements that an attested
/// enclave signs; every account can leave on its own.
/// @notice One contract is one domain's ledger. It cannot be changed and has no owner: what governors and guardians may
/// order is in `act`. The rules are those of docs/protocol/ledger.md; every refusal is an error named there.
contract NetLedger is INetLedger, Ledger, Lanes {
    bytes32 private constant SETTLEMENT =
        keccak256("Settlement(uint256 meta,bytes32 prevHead,bytes32 stateRoot,bytes32 entries,bytes32 receipts)");

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
        (bytes32 head, bytes32 entries) = _digestOf(meta, stateRoot, receipts);
        _checkKey(_signer(head, r, vs));
        _head = head;
        emit Settled(head, meta, stateRoot, entries, receipts);
        _runBody();
    }

    /// The EIP-712 digest of Settlement over the present head, and keccak256 of the body.
    function _digestOf(uint256 meta, bytes32 stateRoot, bytes32 receipts) private view returns (bytes32 head, bytes32 entries) {
        bytes32 typeHash = SETTLEMENT;
        bytes32 prevHead = _head;
        assembly ("memory-safe") {
            let mem := mload(0x40)
            let size := sub(calldatasize(), 164)
            calldatacopy(mem, 164, size)
            entries := keccak256(mem, size)
            mstore(mem, typeHash)
            mstore(add(mem, 0x20), meta)
            mstore(add(mem, 0x40), prevHead)
            mstore(add(mem, 0x60), stateRoot)
            mstore(add(mem, 0x80), entries)
            mstore(add(mem, 0xa0), receipts)
            head := keccak256(mem, 0xc0)
        }
        head = _digest(head);
    }

    function _checkTimes(uint256 meta) private view {
        uint40 validUntil = uint40(meta >> 64);
        uint40 asOf = uint40(meta >> 104);
        uint32 policy = uint32(meta >> 144);
        if (block.chainid != CHAIN) revert WrongChain(block.chainid);
        if (_status.dead != 0) revert Dead();
        if (block.timestamp < _status.pausedUntil) revert Paused(_status.pausedUntil);
        if (block.timestamp > validUntil) revert Expired(validUntil);
        if (validUntil > uint256(asOf) + MAX_VALIDITY || asOf > block.timestamp) revert Validity(validUntil, asOf);
        bool before = policy == _status.policyA && block.timestamp <= _status.switchAt + MAX_VALIDITY;
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

    // ---- lanes ----

    function _assetAndId(AssetId asset, AccountId id) private pure returns (uint256) {
        return uint256(AssetId.unwrap(asset)) << 32 | AccountId.unwrap(id);
    }

    /// Opens the lane of an account for an asset, so that it can be credited there. Anyone may call. Inbox 2.
    function openLane(AssetId asset, AccountId id) external alive {
        _account(id);
        _asset(asset);
        uint256[LANE_SLOTS] storage lanes = _lanes[asset];
        if (_lane(lanes, AccountId.unwrap(id)) >= LANE_OPEN) revert AlreadyOpen(id);
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN);
        _message(2, _assetAndId(asset, id), 7);
    }

    // ---- money in ----

    /// Credits an account with what is pulled from the sender: units * 10 ^ (the token's decimals - the asset's scale)
    /// of the token, which must have allowed it; of ether, the same must come with the call. Inbox 3.
    function deposit(AssetId asset, AccountId id, uint64 units) external payable alive {
        if (block.timestamp < _status.pausedUntil) revert Paused(_status.pausedUntil);
        AccountRecord memory account = _account(id);
        if (account.closed != 0 || account.exitAt != 0) revert Exiting(id, account.exitAt);
        AssetRecord memory record = _asset(asset);
        if (record.listed == 0 || block.timestamp < record.from) revert Asset(asset);
        if (units == 0) revert Units();

        address token = record.token;
        uint256 unit = Tokens.unit(token, record.scale);
        uint256 before = Tokens.held(token);
        uint256[LANE_SLOTS] storage lanes = _lanes[asset];
        uint256 lane = _lane(lanes, AccountId.unwrap(id)) & LANE_MAX;
        if (before / unit + units > LANE_MAX || lane + units > LANE_MAX) revert Held(asset, before / unit);
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN | (lane + units));
        _message(3, _assetAndId(asset, id) << 64 | units, 15);
        Tokens.pull(token, units * unit, before);
    }

    // ---- ways out: never paused, never capped ----

    /// The owner takes what settlements have released to the account. Nothing is logged here: the enclave has given it away
    /// already, and tokens log their transfers.
    function withdraw(AssetId asset, AccountId id, uint64 units, address to) external {
        _owned(id);
        AssetRecord storage record = _asset(asset);
        if (to == address(0)) revert Recipient();
        if (units == 0) revert Units();
        uint256[LANE_SLOTS] storage lanes = _freeLanes[asset];
        uint256 lane = _lane(lanes, AccountId.unwrap(id)) & LANE_MAX;
        if (lane < units) revert Free(uint64(lane));
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN | (lane - units));
        Tokens.pay(record.token, to, units * Tokens.unit(record.token, record.scale));
    }

    /// Pays out all of an account in one asset, once its exit is due or the ledger is dead. Anyone may call; again, to
    /// sweep what was credited late. Inbox 5.
    /// @param to Who is paid; 0 is the owner, and only the owner may name another.
    function finalizeExit(AssetId asset, AccountId id, address to) external {
        AccountRecord storage account = _account(id);
        AssetRecord memory record = _asset(asset);
        address owner = account.owner;
        uint256 from = account.exitAt == 0 ? 0 : account.exitAt + EXIT_DELAY;
        if ((from == 0 || block.timestamp < from) && _status.dead == 0) revert ExitDelay(uint40(from));
        if (to == address(0)) to = owner;
        if (to != owner && msg.sender != owner) revert Owner(id);

        uint256 units = _empty(_lanes[asset], AccountId.unwrap(id));
        uint256 freeUnits = _empty(_freeLanes[asset], AccountId.unwrap(id));
        if (units + freeUnits == 0 && account.closed != 0) revert Nothing();
        account.closed = 1;
        _message(5, _assetAndId(asset, id) << 128 | units << 64 | freeUnits, 23);
        if (units + freeUnits == 0) return;
        Tokens.pay(record.token, to, (units + freeUnits) * Tokens.unit(record.token, record.scale));
    }

    /// The lane stays open, so that a settlement that still credits the account runs and can be swept.
    function _empty(uint256[LANE_SLOTS] storage lanes, uint256 id) private returns (uint256 units) {
        units = _lane(lanes, id) & LANE_MAX;
        if (units != 0) _setLane(lanes, id, LANE_OPEN);
    }
}
