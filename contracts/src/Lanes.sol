// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Body.sol";
import "./State.sol";

/// How the body of a settlement in mode net moves lanes. The body stands in calldata from Body.AT on.
abstract contract Lanes is State {
    // ---- the body: the quick way ----

    /// Where anything would be refused, takes all back and leaves it to the slow way to say what comes first.
    function _runLanes() internal {
        uint256 mapping_;
        assembly ("memory-safe") {
            mapping_ := _lanes.slot
        }
        uint256 found = Body.walk(mapping_);
        if (found == 0) return;
        if (found >> 64 != 0) {
            _undo(found >> 64);
            _runSlowly();
            return;
        }
        if (found >> 32 != 0) {
            _creditReleases();
            _takeReleases();
        }
        if (uint32(found) != 0) revert Unbalanced(AssetId.wrap(uint24(found - 1)));
    }

    function _creditReleases() private {
        uint256 mapping_;
        assembly ("memory-safe") {
            mapping_ := _freeLanes.slot
        }
        for (uint256 p = Body.AT; p < msg.data.length;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            p = to;
            if (kind != Body.RELEASES) continue;
            uint256 full = Body.release(mapping_, asset, from, to);
            if (full != 0) revert Lane(AssetId.wrap(asset), AccountId.wrap(uint32(full)));
        }
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
        _moveLanes();
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

    /// Positions need an open lane; a release opens a free lane that is not.
    function _moveLanes() private {
        for (uint256 p = Body.AT; p < msg.data.length;) {
            (uint256 kind, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            p = to;
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
            _release(AssetId.wrap(number), uint256(Body.total(from, to)));
        }
    }

    function _checkBalance() private pure {
        int256 total = 0;
        uint24 last = 0;
        for (uint256 p = Body.AT; p < msg.data.length;) {
            (, uint24 asset, uint256 from, uint256 to) = Body.section(p);
            if (asset != last && total != 0) break;
            last = asset;
            total += Body.total(from, to);
            p = to;
        }
        if (total != 0) revert Unbalanced(AssetId.wrap(last));
    }
}
