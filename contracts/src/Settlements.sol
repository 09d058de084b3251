// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Ledger.sol";

/// Settlements: who signed one, when it may run, and the head that it becomes. What its body does is the mode's.
abstract contract Settlements is Ledger {
    bytes32 internal constant SETTLEMENT =
        keccak256("Settlement(uint256 meta,bytes32 prevHead,bytes32 stateRoot,bytes32 entries,bytes32 receipts)");

    /// Runs the body that stands in calldata from Body.AT on, or refuses it.
    function _runBody() internal virtual;

    /// Runs a settlement over the present head; anyone may bring it. The body stands directly behind the arguments.
    /// @param meta From bit 0 up: sequence u64, validUntil u40, asOf u40, policy u32, mode u8; all above is 0.
    /// @param stateRoot The enclave's state after it; not looked at here.
    /// @param receipts What ties the log's receipts to it; not looked at here.
    /// @param r With vs: the settlement key's EIP-2098 signature of Settlement.
    function settle(uint256 meta, bytes32 stateRoot, bytes32 receipts, bytes32 r, bytes32 vs) external {
        _checkTimes(meta);
        if (meta >> 184 != 0 || uint8(meta >> 176) != _mode()) revert Mode(uint8(meta >> 176));
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
}
