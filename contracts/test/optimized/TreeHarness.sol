// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../../src/Tree.sol";

/// The tree's two functions, each alone.
contract TreeHarness {
    function leaf(AssetId asset, AccountId id, Holding calldata h) external pure returns (bytes32) {
        return Tree.leaf(asset, id, h);
    }

    function root(bytes32 node, uint256 position, bytes32[32] calldata path) external view returns (bytes32) {
        return Tree.root(node, position, path);
    }
}
