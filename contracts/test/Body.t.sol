// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./World.sol";

interface IBodyHarness {
    function quick(uint256, bytes32, bytes32, bytes32, bytes32) external returns (uint256);
    function run(uint256, bytes32, bytes32, bytes32, bytes32) external;
    function slow(uint256, bytes32, bytes32, bytes32, bytes32) external;
}

/// The quick way through a body against the plain one: the same refusal, or the same slots.
contract BodyTest is World {
    address private quick; // two of one kind, in the same state
    address private plain;
    uint256 private seed;

    uint256 private constant SLOTS = 6;

    function setUp() public {
        start(0, 0);
        quick = make();
        plain = make();
    }

    function make() private returns (address) {
        Factory factory = new Factory();
        bytes memory code = vm.getCode(vm.envOr("HARNESS", "../build/contracts/out/BodyHarness.sol/BodyHarness.json"));
        return factory.make(abi.encodePacked(code, abi.encode(genesis(factory.next(), goodPlan()))));
    }

    function draw(uint256 n) private returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed % n;
    }

    function slotOf(uint256 tag, uint256 asset, uint256 line) private pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encode(asset, tag))) + line);
    }

    /// Lanes open or not, empty, full, or between.
    function fill() private {
        for (uint256 tag = 100; tag < 102; tag++) {
            for (uint256 asset = 0; asset < 2; asset++) {
                for (uint256 line = 0; line < SLOTS + 2; line++) {
                    uint256 word = 0;
                    for (uint256 i = 0; i < 4; i++) {
                        uint256 kind = draw(100);
                        uint256 units = kind == 0 ? 0 : kind == 1 ? 2 ** 63 - 1 - draw(9) : 200 + draw(2000);
                        word |= (kind == 2 ? 0 : 2 ** 63 | units) << 64 * i;
                    }
                    vm.store(quick, slotOf(tag, asset, line), bytes32(word));
                    vm.store(plain, slotOf(tag, asset, line), bytes32(word));
                }
            }
        }
    }

    function amountOf(uint256 kind) private returns (int64) {
        uint256 shape = draw(400);
        if (shape == 0) return 0;
        if (shape == 1) return type(int64).min;
        if (shape == 2) return type(int64).max;
        if (shape == 3) return -1;
        int64 small = int64(uint64(1 + draw(40)));
        return kind == 0 && draw(2) == 0 ? -small : small;
    }

    int64 private total;

    function randomSection(uint8 kind, AssetId asset) private returns (bytes memory) {
        bytes memory entries = "";
        uint16 cnt = 0;
        uint256 id = 1 + draw(4);
        if (draw(100) == 0) id = 0;
        while (id < 4 * SLOTS && cnt < 12) {
            int64 amount = amountOf(kind);
            unchecked {
                total += amount;
            }
            entries = abi.encodePacked(entries, entry(id, amount));
            cnt++;
            id += draw(200) == 0 ? 0 : 1 + draw(3);
            if (draw(200) == 0 && id > 2) id -= 2;
        }
        if (kind == 0 && total != 0 && draw(12) != 0) {
            unchecked {
                entries = abi.encodePacked(entries, entry(id, -total));
            }
            cnt++;
        }
        if (draw(90) == 0) cnt++;
        if (draw(90) == 0) kind = uint8(draw(5));
        return section(kind, asset, cnt, entries);
    }

    /// Mostly well formed; the last position of an asset mostly balances it.
    function randomBody() private returns (bytes memory body) {
        for (uint24 asset = 0; asset < 2; asset++) {
            total = 0;
            bytes memory releases = draw(2) == 0 ? bytes("") : randomSection(1, AssetId.wrap(asset));
            body = abi.encodePacked(body, randomSection(0, AssetId.wrap(asset)), releases);
        }
        if (draw(90) == 0) body = abi.encodePacked(body, uint8(0));
    }

    function testQuickIsPlain(uint256 from) public {
        seed = from;
        fill();
        vm.warp(block.timestamp + draw(100000));
        bytes memory words = new bytes(160);
        bytes memory body = randomBody();
        (bool a, bytes memory whyA) = quick.call(abi.encodePacked(IBodyHarness.run.selector, words, body));
        (bool b, bytes memory whyB) = plain.call(abi.encodePacked(IBodyHarness.slow.selector, words, body));
        require(a == b && keccak256(whyA) == keccak256(whyB), string.concat(vm.toString(whyA), " ", vm.toString(whyB)));
        for (uint256 tag = 100; tag < 103; tag++) {
            for (uint256 asset = 0; asset < 2; asset++) {
                for (uint256 line = 0; line < SLOTS + 2; line++) {
                    bytes32 slot = slotOf(tag, asset, line);
                    require(vm.load(quick, slot) == vm.load(plain, slot), "slot");
                }
            }
        }
        if (a) ran++;
    }

    uint256 private ran;

    /// The random bodies are worth something: some run, some are refused.
    function testSomeRandomBodiesRun() public {
        uint256 before = ran;
        for (uint256 i = 1; i <= 60; i++) testQuickIsPlain(i * 7919);
        equal(before, 0);
        require(ran > 5 && ran < 55, vm.toString(ran));
    }

    /// What the quick way refuses it refuses by itself: only then the plain way is asked.
    function testTheQuickWaySeesIt(uint256 from) public {
        seed = from;
        fill();
        bytes memory words = new bytes(160);
        bytes memory body = randomBody();
        (bool b, bytes memory why) = plain.call(abi.encodePacked(IBodyHarness.slow.selector, words, body));
        (bool a, bytes memory out) = quick.call(abi.encodePacked(IBodyHarness.quick.selector, words, body));
        require(a, "quick");
        uint256 found = abi.decode(out, (uint256));
        bytes4 error_ = b ? bytes4(0) : bytes4(why);
        if (b || error_ == Cap.selector) return;
        if (error_ == Unbalanced.selector) require(uint32(found) != 0, "unbalanced");
        else require(found >> 64 != 0 || found >> 32 == 1, "good");
    }
}
