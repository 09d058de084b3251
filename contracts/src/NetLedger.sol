// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Lanes.sol";
import "./Money.sol";
import "./Settlements.sol";

/// @title Counterfoil's ledger in mode net: balances of accounts in lanes, moved by settlements that an attested
/// enclave signs; every account can leave on its own.
/// @notice One contract is one domain's ledger. It cannot be changed and has no owner: what governors and guardians may
/// order is in `act`. The rules are those of docs/protocol/ledger.md; every refusal is an error named there.
contract NetLedger is INetLedger, Lanes, Settlements, Money {
    constructor(bytes memory genesis) State(genesis) {}

    function _mode() internal pure override returns (uint8) {
        return MODE_NET;
    }

    function _runBody() internal override {
        _runLanes();
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

    function _credit(AssetId asset, AccountId id, uint64 units, uint256 held) internal override {
        uint256[LANE_SLOTS] storage lanes = _lanes[asset];
        uint256 lane = _lane(lanes, AccountId.unwrap(id)) & LANE_MAX;
        if (held + units > LANE_MAX || lane + units > LANE_MAX) revert Held(asset, held);
        _setLane(lanes, AccountId.unwrap(id), LANE_OPEN | (lane + units));
    }

    /// Pays out all of an account in one asset, once its exit is due or the ledger is dead. Anyone may call; again, to
    /// sweep what was credited late. Inbox 5.
    /// @param to Who is paid; 0 is the owner, and only the owner may name another.
    function finalizeExit(AssetId asset, AccountId id, address to) external {
        AccountRecord storage account = _account(id);
        AssetRecord memory record = _asset(asset);
        address owner = account.owner;
        uint256 from = _exitFrom(account);
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
