// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Refusals.sol";

/// The body of a settlement: sections kind u8 | asset u24 | count u16, then count entries id u32 | amount i64.
/// Positions (kind 0, net) move lanes; releases (kind 1) and those of exits (kind 2, root) move free lanes. Data (kind 3, root)
/// is the last: kind u8 | 0xffffff | da u8, and all bytes behind it. A body stands in calldata, from p to end.
library Body {
    /// Where the body begins: behind the selector and the five words of settle.
    uint256 internal constant AT = 164;
    uint256 internal constant POSITIONS = 0;
    uint256 internal constant RELEASES = 1;
    uint256 internal constant EXITS = 2; // root
    uint256 internal constant DATA = 3; // root
    uint256 internal constant DATA_ASSET = 0xffffff;
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

    /// Walks a whole body: moves the lanes of positions, and adds up. Each touched slot is read and written once; the lanes
    /// of a slot move as one number, each amount added at its lane's place. Releases are only looked at, not run.
    ///
    /// Nothing is refused on the way, which is what makes it quick. What must be refused is remembered in two words: `ok`,
    /// whose bit 63 stays while ids rise and lanes are open before they move, and `bad`, which stays 0 while no amount is
    /// (for releases: not above) 0 and no open bit has changed.
    ///
    /// Why open bits are enough: let the lowest lane of a slot that leaves its 63 bits be one that was open. Nothing carried
    /// into it, so its value 2^63 + units + amount lies outside [2^63, 2^64) and inside [0, 2^64 + 2^63), and its open bit
    /// comes out 0: seen. A lane that was not open is seen before anything is added to it.
    ///
    /// @param lanes The slot of the lanes' mapping.
    /// @return found From bit 0 up: u32 the first asset whose amounts do not add up to 0, plus 1, or 0; u32 1 when there are
    /// releases; then 0, or, when anything must be refused, how far lanes have moved: `undo` takes it back.
    function walk(uint256 lanes) internal returns (uint256 found) {
        assembly ("memory-safe") {
            let mem := mload(0x40)
            mstore(mem, 0) // asset << 8 | kind of the last section, plus 1
            mstore(add(mem, 0x20), mul(ENTRIES_MAX, 12)) // bytes of entries that may still come
            mstore(0x20, lanes)
            let p := AT
            let ok := not(0)
            let bad := 0
            let sum := 0 // of the asset whose sections are being read: they are neighbours
            for {} lt(p, calldatasize()) {} {
                let x := calldataload(p)
                let end := mul(12, and(shr(208, x), 0xffff)) // size, first
                {
                    let asset := and(shr(224, x), 0xffffff)
                    let order := or(shl(8, asset), shr(248, x))
                    let last := mload(mem)
                    let left := mload(add(mem, 0x20))
                    bad := or(gt(shr(248, x), RELEASES), gt(asset, ASSET_MAX))
                    bad := or(or(bad, lt(order, last)), or(iszero(end), gt(end, left)))
                    mstore(mem, add(order, 1))
                    mstore(add(mem, 0x20), sub(left, end))
                    end := add(add(p, HEAD), end)
                    if or(bad, gt(end, calldatasize())) {
                        bad := 1
                        break
                    }
                    if mul(sum, sub(shr(8, last), asset)) {
                        if iszero(and(found, 0xffffffff)) { found := or(found, add(shr(8, last), 1)) }
                        sum := 0
                    }
                    mstore(0, asset)
                }
                p := add(p, HEAD)
                let kind := byte(0, x)
                x := calldataload(p)
                ok := and(ok, sub(0, shr(224, x))) // the first id is not 0
                switch kind
                case 0 {
                    let base := keccak256(0, 0x40)
                    let line := shr(226, x)
                    let old := sload(add(base, line))
                    let word := old
                    for {} 1 {} {
                        let amount := signextend(7, shr(160, x))
                        let lane := and(shr(218, x), 0xc0)
                        ok := and(ok, shr(lane, word))
                        word := add(word, shl(lane, amount))
                        sum := add(sum, amount)
                        bad := or(bad, iszero(amount))
                        p := add(p, ENTRY)
                        if iszero(lt(p, end)) { break }
                        let next := calldataload(p)
                        ok := and(ok, sub(shr(224, x), shr(224, next)))
                        x := next
                        if sub(line, shr(226, x)) {
                            bad := or(bad, and(xor(old, word), OPEN))
                            sstore(add(base, line), word)
                            line := shr(226, x)
                            old := sload(add(base, line))
                            word := old
                        }
                    }
                    bad := or(bad, and(xor(old, word), OPEN))
                    sstore(add(base, line), word)
                }
                default {
                    found := or(found, shl(32, 1))
                    for {} 1 {} {
                        let amount := signextend(7, shr(160, x))
                        sum := add(sum, amount)
                        bad := or(bad, slt(amount, 1))
                        p := add(p, ENTRY)
                        if iszero(lt(p, end)) { break }
                        let next := calldataload(p)
                        ok := and(ok, sub(shr(224, x), shr(224, next)))
                        x := next
                    }
                }
                if bad { break }
            }
            if sum { if iszero(and(found, 0xffffffff)) { found := or(found, add(shr(8, mload(mem)), 1)) } }
            if or(bad, iszero(and(shr(63, ok), 1))) { found := shl(64, p) }
        }
    }

    /// Takes back what `walk` did to a section, whatever the entries were: sums of numbers of 256 bits can be taken back in any order.
    function undo(uint256[2 ** 30] storage lanes, uint256 p, uint256 end) internal {
        for (; p < end; p += ENTRY) {
            (uint256 id, int256 amount) = entry(p);
            unchecked {
                lanes[id >> 2] -= uint256(amount) << (64 * (id & 3));
            }
        }
    }

    /// Runs a section of releases that `walk` found well formed: opens free lanes, and credits them.
    /// @param lanes The slot of the free lanes' mapping.
    /// @return full The first id whose lane cannot hold more, or 0.
    function release(uint256 lanes, uint256 asset, uint256 p, uint256 end) internal returns (uint256 full) {
        assembly ("memory-safe") {
            mstore(0, asset)
            mstore(0x20, lanes)
            let base := keccak256(0, 0x40)
            let line := shr(226, calldataload(p))
            let word := sload(add(base, line))
            for {} lt(p, end) { p := add(p, ENTRY) } {
                let x := calldataload(p)
                if sub(line, shr(226, x)) {
                    sstore(add(base, line), word)
                    line := shr(226, x)
                    word := sload(add(base, line))
                }
                let lane := and(shr(218, x), 0xc0)
                word := add(or(word, shl(lane, shl(63, 1))), shl(lane, signextend(7, shr(160, x))))
                if iszero(and(shr(lane, word), shl(63, 1))) {
                    full := shr(224, x)
                    break
                }
            }
            sstore(add(base, line), word)
        }
    }

    /// What a section adds up to.
    function total(uint256 p, uint256 end) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            for {} lt(p, end) { p := add(p, ENTRY) } { sum := add(sum, signextend(7, shr(160, calldataload(p)))) }
        }
    }
}
