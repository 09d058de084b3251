// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Ledger.sol";
import "./Tokens.sol";

/// Money in, and what settlements have released out. Where a deposit is written is the mode's.
abstract contract Money is Ledger {
    function _assetAndId(AssetId asset, AccountId id) internal pure returns (uint256) {
        return uint256(AssetId.unwrap(asset)) << 32 | AccountId.unwrap(id);
    }

    /// Writes a deposit of units down.
    /// @param held What the ledger holds of the asset already, in units.
    function _credit(AssetId asset, AccountId id, uint64 units, uint256 held) internal virtual;

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
        _credit(asset, id, units, before / unit);
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
}
