// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Body.sol";
import "./Money.sol";
import "./Settlements.sol";
import "./Tree.sol";

/// @title Counterfoil's ledger in mode root: deposits are one pool, balances stand in the enclave's book, whose root each
/// settlement carries. What leaves is released by settlements; once the ledger is dead, by paths under the last root.
/// @notice One contract is one domain's ledger. It cannot be changed and has no owner: what governors and guardians may
/// order is in `act`. The rules are those of docs/protocol/ledger.md, "Mode root"; every refusal is an error named there.
contract RootLedger is IRootLedger, Settlements, Money {
    /// A leaf's creditedIn has no more bits, and must be able to follow.
    uint256 private constant DEPOSITED_MAX = type(uint80).max;

    constructor(bytes memory genesis) State(genesis) {
        _nextPosition = 1; // 0 is the tree's reserved leaf
    }

    function _mode() internal pure override returns (uint8) {
        return MODE_ROOT;
    }

    // ---- settlements ----

    /// The root is believed as it is signed; what can be looked at is what leaves.
    function _runBody() internal override {
        uint256 end = _checkForm();
        _creditReleases(end);
        _checkExits(end);
        _takeReleases(end);
    }

    /// @return end Where the sections with entries end.
    function _checkForm() private pure returns (uint256 end) {
        uint256 size = msg.data.length;
        uint256 last = 0;
        uint256 cnt = 0;
        for (uint256 p = Body.AT; p < size;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            if (kind == Body.DATA) {
                if (!_isData(p, asset)) revert Entries(p - Body.AT);
                return p;
            }
            uint256 order = uint256(asset) << 8 | kind;
            cnt += (to - from) / Body.ENTRY;
            if (
                to > size || (kind != Body.RELEASES && kind != Body.EXITS) || asset > Body.ASSET_MAX || to == from
                    || order < last || cnt > Body.ENTRIES_MAX
            ) revert Entries(p - Body.AT);
            last = order + 1;
            uint256 lastId = 0;
            for (p = from; p < to;) {
                (uint256 id, int256 amount) = Body.entry(p);
                if (id <= lastId || amount <= 0) revert Entries(p - Body.AT);
                lastId = id;
                unchecked {
                    p += Body.ENTRY;
                }
            }
        }
        return size;
    }

    /// da u8, and the bytes that it stands for: 0 none, 1 deltas, 2 digests of leaves. They are there to be read by others.
    function _isData(uint256 p, uint24 asset) private pure returns (bool) {
        uint256 from = p + 5;
        if (asset != Body.DATA_ASSET || from > msg.data.length) return false;
        uint8 da = uint8(msg.data[p + 4]);
        return da == 0 ? from == msg.data.length : da <= 2;
    }

    function _creditReleases(uint256 end) private {
        uint256 mapping_;
        assembly ("memory-safe") {
            mapping_ := _freeLanes.slot
        }
        for (uint256 p = Body.AT; p < end;) {
            (, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            uint256 full = Body.release(mapping_, asset, from, to);
            if (full != 0) revert Lane(AssetId.wrap(asset), AccountId.wrap(uint32(full)));
            p = to;
        }
    }

    /// What leaves without a cap leaves to those whose exit is due.
    function _checkExits(uint256 end) private view {
        for (uint256 p = Body.AT; p < end;) {
            (uint256 kind,, uint256 from, uint256 to) = Body.section(p);
            for (; kind == Body.EXITS && from < to; from += Body.ENTRY) {
                (uint256 id,) = Body.entry(from);
                uint256 due = _exitFrom(_accounts[AccountId.wrap(uint32(id))]);
                if (due == 0 || block.timestamp < due) revert ExitDelay(uint40(due));
            }
            p = to;
        }
    }

    function _takeReleases(uint256 end) private {
        for (uint256 p = Body.AT; p < end;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            if (kind == Body.RELEASES) _release(AssetId.wrap(asset), uint256(Body.total(from, to)));
            p = to;
        }
    }

    // ---- deposits ----

    function _credit(AssetId asset, AccountId id, uint64 units, uint256 held) internal override {
        PoolRecord memory record = _pool[asset][AccountId.unwrap(id)];
        uint256 deposited = uint256(record.deposited) + units;
        if (held + units > LANE_MAX || deposited > DEPOSITED_MAX) revert Held(asset, held);
        if (record.position == 0) {
            uint256 next = _nextPosition;
            if (next == type(uint32).max) revert Full();
            _nextPosition = next + 1;
            record.position = uint32(next);
        }
        record.deposited = uint96(deposited);
        _pool[asset][AccountId.unwrap(id)] = record;
    }

    // ---- the way out once the ledger is dead ----

    /// Pays the owner of an account what the book says that it has in one asset, and what it has deposited since; once.
    /// Anyone who knows the leaf may call. Nothing is logged: the enclave's time is over, and tokens log their transfers.
    /// @param last The last settlement that ran. While none ever did, it is not looked at, nor is what follows from it.
    /// @param holding What the account's leaf says; all 0 where the tree has none.
    /// @param path From the leaf to last.stateRoot, the leaf's sibling first.
    function rootExit(
        Settlement calldata last,
        AssetId asset,
        AccountId id,
        Holding calldata holding,
        bytes32[32] calldata path
    ) external {
        if (_status.dead == 0) revert Alive();
        address owner = _account(id).owner;
        AssetRecord memory token = _asset(asset);
        PoolRecord memory record = _pool[asset][AccountId.unwrap(id)];
        uint256 units = record.deposited;
        if (_head != keccak256(abi.encode(SEPARATOR))) {
            if (_head != _digest(keccak256(abi.encode(SETTLEMENT, last)))) revert Head();
            bytes32 root = Tree.root(Tree.leaf(asset, id, holding), record.position, path);
            if (root != last.stateRoot || holding.creditedIn > units) revert Leaf(record.position);
            units = holding.balance + (units - holding.creditedIn);
        }
        if (record.position == 0 || units > LANE_MAX) revert Leaf(record.position);
        if (record.closed != 0) revert Nothing();
        _pool[asset][AccountId.unwrap(id)].closed = 1;
        if (units != 0) Tokens.pay(token.token, owner, units * Tokens.unit(token.token, token.scale));
    }
}
