// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./World.sol";

/// What an enclave keeps beside a ledger in mode root: the book, its tree, and the last settlement that ran.
abstract contract RootWorld is World {
    mapping(uint256 height => mapping(uint256 index => bytes32)) private nodes; // 0 where the subtree is empty
    bytes32[33] private empty; // the root of an empty subtree, by height
    Settlement internal last;

    constructor() {
        mode = 2;
        stateRoot = emptyOf(32);
    }

    function exitRelease(AssetId asset, uint256 id, int64 units) internal pure returns (bytes memory) {
        return section(2, asset, 1, entry(id, units));
    }

    function data(uint8 da, bytes memory what) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(3), uint24(0xffffff), da, what);
    }

    // ---- what a ledger has of an account in an asset ----

    function record(AssetId asset, uint256 id) internal view returns (uint256) {
        return uint256(vm.load(address(ledger), recordSlot(asset, id)));
    }

    function recordSlot(AssetId asset, uint256 id) internal pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(asset, 103))) + id);
    }

    function position(AssetId asset, uint256 id) internal view returns (uint256) {
        return uint32(record(asset, id) >> 96);
    }

    // ---- the tree, in plain words ----

    function leafOf(AssetId asset, uint256 id, Holding memory h) internal pure returns (bytes32) {
        if (h.balance == 0 && h.creditedIn == 0 && h.released == 0 && h.salt == 0) return 0;
        return sha256(
            bytes.concat(
                hex"00",
                bytes4(uint32(id)),
                bytes4(uint32(AssetId.unwrap(asset))),
                bytes12(h.balance),
                bytes10(h.creditedIn),
                bytes10(h.released),
                h.salt
            )
        );
    }

    function emptyOf(uint256 height) private returns (bytes32) {
        if (height > 0 && empty[height] == 0) {
            bytes32 below = emptyOf(height - 1);
            empty[height] = sha256(bytes.concat(hex"01", below, below));
        }
        return empty[height];
    }

    function nodeOf(uint256 height, uint256 index) private returns (bytes32) {
        bytes32 node = nodes[height][index];
        return node == 0 ? emptyOf(height) : node;
    }

    function putLeaf(uint256 at_, bytes32 leaf) internal {
        nodes[0][at_] = leaf;
        for (uint256 height = 0; height < 32; height++) {
            uint256 left = at_ & ~uint256(1);
            bytes32 node = sha256(bytes.concat(hex"01", nodeOf(height, left), nodeOf(height, left + 1)));
            at_ >>= 1;
            nodes[height + 1][at_] = node;
        }
        stateRoot = nodes[32][0];
    }

    function pathOf(uint256 at_) internal returns (bytes32[32] memory path) {
        for (uint256 height = 0; height < 32; height++) {
            path[height] = nodeOf(height, at_ ^ 1);
            at_ >>= 1;
        }
    }

    /// The book's line of an account in an asset.
    function put(AssetId asset, uint256 id, Holding memory h) internal {
        putLeaf(position(asset, id), leafOf(asset, id, h));
    }

    function holding(uint96 balance, uint80 creditedIn, uint80 released) internal pure returns (Holding memory) {
        return Holding(balance, creditedIn, released, 0);
    }

    function nothing() internal pure returns (Holding memory) {
        return Holding(0, 0, 0, 0);
    }

    // ---- settlements ----

    /// Settles, and keeps what rootExit must be shown.
    function settleRoot(bytes memory body) internal {
        bytes32 before = head();
        settle(body);
        last = Settlement(meta(), before, stateRoot, keccak256(body), RECEIPTS);
    }

    // ---- the end ----

    function die() internal {
        ledger.alarm();
        vm.warp(block.timestamp + 604800);
        ledger.declareDead();
    }

    function exitData(Settlement memory shown, AssetId asset, uint256 id, Holding memory h, bytes32[32] memory path)
        internal
        view
        returns (bytes memory)
    {
        return abi.encodeCall(ledger.rootExit, (shown, asset, AccountId.wrap(uint32(id)), h, path));
    }

    function exitData(AssetId asset, uint256 id, Holding memory h) internal returns (bytes memory) {
        return exitData(last, asset, id, h, pathOf(position(asset, id)));
    }
}
