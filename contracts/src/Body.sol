// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Refusals.sol";

/// The body of a settlement: sections kind u8 | asset u24 | count u16, then count entries id u32 | amount i64.
/// Positions (kind 0) move lanes, releases (kind 1) move free lanes. A body stands in calldata, from p to end.
library Body {
    /// Where the body begins: behind the selector and the five words of settle.
    uint256 internal constant AT = 164;
    uint256 internal constant POSITIONS = 0;
    uint256 internal constant RELEASES = 1;
    uint256 internal constant ALL = 256; // of no section
    uint256 internal constant HEAD = 6;
    uint256 internal constant ENTRY = 12;
    uint256 internal constant ENTRIES_MAX = 8192;
    uint256 internal constant ASSET_MAX = 0xfffffe;
    /// The open bits of a slot's four lanes.
    uint256 internal constant OPEN = 0x8000000000000000800000000000000080000000000000008000000000000000;

    /// The head of the section at p: its entries stand between from and to, which may lie behind the end of calldata.
    function section(uint256 p) internal pure returns (uint256 kind, uint24 asset, uint256 from, uint256 to) {
        uint256 head;
        assembly ("memory-safe") {
            head := calldataload(p)
        }
        kind = head >> 248;
        asset = uint24(head >> 224);
        unchecked {
            from = p + HEAD;
            to = from + ENTRY * uint16(head >> 208);
        }
    }

    function entry(uint256 p) internal pure returns (uint256 id, int256 amount) {
        assembly ("memory-safe") {
            let x := calldataload(p)
            id := shr(224, x)
            amount := signextend(7, shr(160, x))
        }
    }

    /// Moves the lanes of one section of positions: each touched slot is read and written once. The lanes of a slot
    /// move as one number: each amount is added at its lane's place.
    ///
    /// bad is not 0 when some entry must be refused: an id that does not rise, an amount of 0, a lane not open, an
    /// overdraft, an overflow. Then the slots hold nothing of use, but exactly the sums; `undo` restores them.
    ///
    /// Why open bits are enough: let the lowest lane of a slot that leaves its 63 bits be one that was open. Nothing
    /// carried into it, its value 2^63 + units + amount lies outside [2^63, 2^64), and within (-2^63, 2^64 + 2^63), so
    /// that its open bit comes out 0: seen. A lane that was not open is seen before anything is added.
    function move(uint256[2 ** 30] storage lanes, uint256 p, uint256 end) internal returns (int256 sum, uint256 bad) {
        assembly ("memory-safe") {
            let last := 0 // id of the entry before
            let rising := not(0) // its top bit stays while each last - id is negative
            let open := not(0) // its bit 63 stays while each lane was open
            let x := calldataload(p)
            for {} lt(p, end) {} {
                let line := shr(226, x)
                let slot := add(lanes.slot, line)
                let old := sload(slot)
                let word := old
                for {} 1 {} {
                    let id := shr(224, x)
                    let amount := signextend(7, shr(160, x))
                    let lane := and(shr(218, x), 0xc0)
                    word := add(word, shl(lane, amount))
                    sum := add(sum, amount)
                    open := and(open, shr(lane, old))
                    rising := and(rising, sub(last, id))
                    bad := or(bad, iszero(amount))
                    last := id
                    p := add(p, 12)
                    x := calldataload(p)
                    if or(sub(line, shr(226, x)), iszero(lt(p, end))) { break }
                }
                bad := or(bad, and(xor(old, word), OPEN))
                sstore(slot, word)
            }
            bad := or(bad, iszero(and(shr(255, rising), shr(63, open))))
        }
    }

    /// Takes back what `move` did, whatever the entries were: sums of numbers of 256 bits can be taken back in any order.
    function undo(uint256[2 ** 30] storage lanes, uint256 p, uint256 end) internal {
        for (; p < end; p += ENTRY) {
            (uint256 id, int256 amount) = entry(p);
            unchecked {
                lanes[id >> 2] -= uint256(amount) << (64 * (id & 3));
            }
        }
    }

    /// What a section of releases adds up to; bad as of `move`, but for the lanes, which are not looked at.
    function add(uint256 p, uint256 end) internal pure returns (int256 sum, uint256 bad) {
        assembly ("memory-safe") {
            let last := 0
            let rising := not(0)
            for {} lt(p, end) { p := add(p, 12) } {
                let x := calldataload(p)
                let id := shr(224, x)
                let amount := signextend(7, shr(160, x))
                sum := add(sum, amount)
                rising := and(rising, sub(last, id))
                bad := or(bad, slt(amount, 1))
                last := id
            }
            bad := or(bad, iszero(shr(255, rising)))
        }
    }
}
