// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./ILedger.sol";

/// The state tree of mode root: 2^32 leaves by position, all assets in one; where nothing stands, 32 zero bytes do.
library Tree {
    /// leaf = SHA-256(0x00 || id u32 || asset u32 || balance u96 || creditedIn u80 || released u80 || salt)
    function leaf(AssetId asset, AccountId id, Holding calldata h) internal pure returns (bytes32) {
        if (h.balance == 0 && h.creditedIn == 0 && h.released == 0 && h.salt == 0) return 0;
        return sha256(
            abi.encodePacked(
                uint8(0), AccountId.unwrap(id), uint32(AssetId.unwrap(asset)), h.balance, h.creditedIn, h.released, h.salt
            )
        );
    }

    /// Where the path leads from a leaf at position: node = SHA-256(0x01 || left || right), the leaf's sibling first.
    function root(bytes32 node, uint256 position, bytes32[32] calldata path) internal view returns (bytes32) {
        assembly ("memory-safe") {
            let mem := mload(0x40)
            mstore8(mem, 1)
            let good := 1
            let end := add(path, 1024)
            for { let p := path } lt(p, end) { p := add(p, 32) } {
                let side := shl(5, and(position, 1))
                mstore(add(add(mem, 1), side), node)
                mstore(sub(add(mem, 33), side), calldataload(p))
                good := and(good, staticcall(gas(), 2, mem, 65, 0, 32)) // SHA-256
                node := mload(0)
                position := shr(1, position)
            }
            if iszero(good) { revert(0, 0) } // out of gas
        }
        return node;
    }
}
