// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

interface ITreeHarness {
    function leaf(AssetId asset, AccountId id, Holding calldata h) external view returns (bytes32);
    function root(bytes32 node, uint256 position, bytes32[32] calldata path) external view returns (bytes32);
}

/// The tree as the ledger hashes it, against plain words for it and against digests made elsewhere.
contract TreeTest is RootWorld {
    ITreeHarness private tree;

    function setUp() public {
        string memory harness = vm.envOr("TREE_HARNESS", "../build/contracts/out/TreeHarness.sol/TreeHarness.json");
        tree = ITreeHarness(new Factory().make(vm.getCode(harness)));
    }

    function testLeafIsPlain(uint24 asset, uint32 id, Holding calldata h) public view {
        require(tree.leaf(AssetId.wrap(asset), AccountId.wrap(id), h) == leafOf(AssetId.wrap(asset), id, h), "leaf");
    }

    function testRootIsPlain(bytes32 node, uint32 position_, bytes32 seed) public view {
        bytes32[32] memory path;
        bytes32 want = node;
        for (uint256 i = 0; i < 32; i++) {
            path[i] = keccak256(abi.encode(seed, i));
            bool right = position_ >> i & 1 == 1;
            want = sha256(right ? bytes.concat(hex"01", path[i], want) : bytes.concat(hex"01", want, path[i]));
        }
        require(tree.root(node, position_, path) == want, "root");
    }

    /// Each bit of a leaf is another leaf.
    function testEveryFieldIsInTheLeaf(Holding memory h, uint256 bit) public view {
        bytes32 before = tree.leaf(COIN, AccountId.wrap(1), h);
        bit %= 96 + 80 + 80 + 256;
        if (bit < 96) h.balance ^= uint96(1 << bit);
        else if (bit < 176) h.creditedIn ^= uint80(1 << bit - 96);
        else if (bit < 256) h.released ^= uint80(1 << bit - 176);
        else h.salt ^= bytes32(1 << bit - 256);
        require(tree.leaf(COIN, AccountId.wrap(1), h) != before, "the same");
        require(tree.leaf(GWEI, AccountId.wrap(1), h) != tree.leaf(COIN, AccountId.wrap(1), h) || isNothing(h), "asset");
        require(tree.leaf(COIN, AccountId.wrap(2), h) != tree.leaf(COIN, AccountId.wrap(1), h) || isNothing(h), "id");
    }

    function isNothing(Holding memory h) private pure returns (bool) {
        return h.balance == 0 && h.creditedIn == 0 && h.released == 0 && h.salt == 0;
    }

    function testNothingIsTheEmptyLeaf() public view {
        require(tree.leaf(COIN, AccountId.wrap(1), nothing()) == 0, "leaf");
    }

    /// Computed by hand (Python's hashlib) from ONCHAIN 4.8.
    function testKnownAnswers() public {
        Holding memory h = Holding(0x0102030405, 0x0607, 0x08, bytes32(uint256(0x99)));
        bytes32 leaf = tree.leaf(AssetId.wrap(7), AccountId.wrap(0x01020304), h);
        require(leaf == LEAF, vm.toString(leaf));
        require(stateRoot == EMPTY, vm.toString(stateRoot));
        putLeaf(5, leaf);
        require(stateRoot == ONE, vm.toString(stateRoot));
        require(tree.root(leaf, 5, pathOf(5)) == ONE, "root");
    }

    bytes32 private constant LEAF = 0x26db591344a8dc1517af4397ff6c73924cbcdfb1b9ea5aa70740bfe70ac8fa73;
    bytes32 private constant EMPTY = 0x782d35b1fdad7d54e7a1b36a2ab1021e872c7692bb80fdd12bfc321e9e420409;
    bytes32 private constant ONE = 0xd2398b06a2ebf6a4a5e5940b5eac492dbaa2cad76790f8ce5c3fe2a4dcdc6477;
}
