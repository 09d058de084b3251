// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./World.sol";

/// settle: what it must refuse, and what it must not do.
contract SettleTest is World {
    AssetId private constant A = COIN;

    function setUp() public {
        start(6, 1000);
    }

    function body1() private pure returns (bytes memory) {
        return pair(A, 1, 2, 10);
    }

    // ---- it runs ----

    function testMovesLanesAndBecomesTheHead() public {
        bytes memory data = settleData(1, meta(), body1());
        vm.recordLogs();
        must(data);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        equal(lane(A, 1), 2 ** 63 + 990);
        equal(lane(A, 2), 2 ** 63 + 1010);
        equal(logs.length, 1);
        require(logs[0].topics[0] == ILedger.Settled.selector && logs[0].topics[1] == head(), "event");
    }

    function testBodyThroughAnotherContract() public {
        (bool ok,) = address(new Relay()).call(abi.encode(ledger, settleData(1, meta(), body1())));
        require(ok, "relayed");
        equal(lane(A, 2), 2 ** 63 + 1010);
    }

    // ---- once, here, and as signed ----

    function testTwiceIsRefused() public {
        bytes memory data = settleData(1, meta(), body1());
        must(data);
        refuses(data, no(Key.selector)); // the head is another: whoever signed this is unknown
    }

    function testAnyBitChangedIsRefused(uint256 bit) public {
        bytes memory data = settleData(1, meta(), body1());
        bit = 32 + bit % (8 * data.length - 32); // behind the selector
        data[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        (bool ok,) = address(ledger).call(data);
        require(!ok, "ran");
        equal(lane(A, 1), 2 ** 63 + 1000);
    }

    function testAfterAChainSplitOnlyWaysOutWork() public {
        settle(release(A, 1, 10));
        bytes memory data = settleData(1, meta(), body1());
        vm.chainId(31338);
        refuses(data, no(WrongChain.selector, 31338));
        vm.prank(owner(1));
        ledger.withdraw(A, AccountId.wrap(1), 10, owner(1));
        vm.prank(owner(1));
        ledger.requestExit(AccountId.wrap(1));
        vm.warp(block.timestamp + 172800);
        ledger.finalizeExit(A, AccountId.wrap(1), address(0));
        equal(coin.balanceOf(owner(1)), 1000);
    }

    // ---- form of the body ----

    function testEntries() public {
        bytes memory e1 = entry(1, -5);
        bytes memory e2 = entry(2, 5);
        refusesBody(abi.encodePacked(uint8(0)), 0); // a head cut short
        refusesBody(section(0, A, 3, abi.encodePacked(e1, e2)), 0); // an entry is missing
        bytes memory cut = section(0, A, 2, abi.encodePacked(e1, e2));
        assembly {
            mstore(cut, 29)
        }
        refusesBody(cut, 0); // an entry cut short
        refusesBody(section(0, A, 0, ""), 0);
        refusesBody(section(2, A, 2, abi.encodePacked(e1, e2)), 0); // kinds of root mode
        refusesBody(section(3, A, 2, abi.encodePacked(e1, e2)), 0);
        refusesBody(abi.encodePacked(uint8(3), uint24(0xffffff), uint8(1), e1), 0);
        refusesBody(section(4, A, 2, abi.encodePacked(e1, e2)), 0);
        refusesBody(section(0, AssetId.wrap(0xffffff), 2, abi.encodePacked(e1, e2)), 0);
        refusesBody(section(0, A, 2, abi.encodePacked(e2, e1)), 18); // not rising
        refusesBody(section(0, A, 2, abi.encodePacked(e1, entry(1, 5))), 18); // twice
        refusesBody(section(0, A, 2, abi.encodePacked(entry(0, -5), e2)), 6); // id 0
        refusesBody(section(0, A, 2, abi.encodePacked(e1, entry(2, 0))), 18); // of nothing
        bytes memory good = section(0, A, 2, abi.encodePacked(e1, e2));
        refusesBody(abi.encodePacked(good, good), 30); // an asset twice
        refusesBody(abi.encodePacked(section(0, GWEI, 2, abi.encodePacked(e1, e2)), good), 30); // assets not rising
        refusesBody(abi.encodePacked(section(1, A, 1, e2), section(0, A, 1, e1)), 18); // kinds not rising
        refusesBody(abi.encodePacked(section(0, A, 1, e2), section(1, A, 1, e1)), 24); // a negative release
        refusesBody(abi.encodePacked(good, uint8(0)), 30);
        equal(lane(A, 1), 2 ** 63 + 1000);
    }

    function testMoreEntriesThanMayBe() public {
        bytes memory entries = new bytes(12 * 8193);
        for (uint256 i = 0; i < 8193; i++) {
            uint256 x = (i + 1) << 224 | 1 << 160;
            assembly {
                mstore(add(add(entries, 32), mul(12, i)), x)
            }
        }
        refusesBody(section(0, A, 8193, entries), 0);
    }

    function refusesBody(bytes memory body, uint256 offset) private {
        refuses(settleData(1, meta(), body), no(Entries.selector, offset));
    }

    function testUnbalanced() public {
        bytes memory short = section(0, A, 2, abi.encodePacked(entry(1, -5), entry(2, 4)));
        refuses(settleData(1, meta(), short), no(Unbalanced.selector, 0));
        refuses(settleData(1, meta(), abi.encodePacked(pair(A, 1, 2, 3), section(0, FINE, 1, entry(1, 4)))), no(Unbalanced.selector, 2));
        // What one asset lacks another does not give.
        bytes memory both = abi.encodePacked(section(0, A, 1, entry(1, -5)), section(0, GWEI, 1, entry(2, 5)));
        refuses(settleData(1, meta(), both), no(Unbalanced.selector, 0));
        refuses(settleData(1, meta(), section(1, A, 1, entry(2, 5))), no(Unbalanced.selector, 0));
    }

    // ---- lanes ----

    function refusesLane(bytes memory body, uint256 id) private {
        refuses(settleData(1, meta(), body), no(Lane.selector, 0, id));
    }

    /// 0 - d = 2^64 - d sets bit 63: a marker looked at only afterwards would let a debit of nothing pass as money.
    function testDebitOfALaneThatIsNotOpen() public {
        ledger.open(owner(7));
        refusesLane(pair(A, 7, 1, 5), 7);
        refusesLane(pair(A, 7, 1, type(int64).max), 1);
        // With the last lane of a slot touched, too, and open.
        refusesLane(section(0, A, 2, abi.encodePacked(entry(6, 5), entry(7, -5))), 7);
    }

    function testCreditOfALaneThatIsNotOpen() public {
        refusesLane(pair(A, 1, 7, 5), 7);
        ledger.open(owner(7));
        refusesLane(pair(A, 1, 7, 5), 7);
        ledger.openLane(A, AccountId.wrap(7));
        settle(pair(A, 1, 7, 5));
        equal(lane(A, 7), 2 ** 63 + 5);
    }

    function testOverdraftAndOverflow() public {
        settle(pair(A, 1, 2, 1000));
        equal(lane(A, 1), 2 ** 63);
        refusesLane(pair(A, 1, 2, 1), 1);
        setLane(3, 2 ** 64 - 1 - 7);
        refusesLane(pair(A, 2, 3, 8), 3);
        settle(pair(A, 2, 3, 7));
        equal(lane(A, 3), 2 ** 64 - 1);
        // The lane above is untouched by all that.
        equal(lane(A, 4), 2 ** 63 + 1000);
        setLane(4, 2 ** 63);
        bytes memory two = section(0, A, 3, abi.encodePacked(entry(2, -1), entry(3, 2), entry(4, -1)));
        refusesLane(two, 3);
        refuses(
            settleData(1, meta(), section(0, A, 2, abi.encodePacked(entry(2, type(int64).min), entry(5, 1)))),
            no(Lane.selector, 0, 2)
        );
    }

    /// What a lane owes its neighbour lends: the first that fails is named, also when a later one hides it.
    function testACarryIsNotHidden() public {
        setLane(4, 2 ** 64 - 1);
        bytes memory body = section(0, A, 3, abi.encodePacked(entry(4, 1), entry(5, -1), entry(6, -1)));
        refusesLane(body, 4);
    }

    function setLane(uint256 id, uint256 value) private {
        bytes32 slot = bytes32(uint256(keccak256(abi.encode(A, 100))) + (id >> 2));
        uint256 w = uint256(vm.load(address(ledger), slot));
        w = w & ~(uint256(type(uint64).max) << 64 * (id & 3)) | value << 64 * (id & 3);
        vm.store(address(ledger), slot, bytes32(w));
    }

    // ---- releases ----

    function testReleaseOpensAFreeLaneAndIsCapped() public {
        start(2, 1_000_000);
        settle(release(A, 1, 86400)); // all that a day lets out
        equal(freeLane(A, 1), 2 ** 63 + 86400);
        refuses(settleData(1, meta(), release(A, 1, 1)), no(Cap.selector, 0, 0));
        vm.warp(block.timestamp + 100);
        refuses(settleData(1, meta(), release(A, 1, 101)), no(Cap.selector, 0, 100));
        settle(release(A, 1, 100));
        equal(lane(A, 1), 2 ** 63 + 1_000_000 - 86500);
        vm.warp(block.timestamp + 10 days);
        refuses(settleData(1, meta(), release(A, 2, 86401)), no(Cap.selector, 0, 86400));
    }

    function testReleaseBeyondAFreeLane() public {
        bytes32 slot = keccak256(abi.encode(A, 101));
        vm.store(address(ledger), slot, bytes32(uint256(2 ** 64 - 1) << 64));
        refusesLane(release(A, 1, 1), 1);
    }

    // ---- the order of refusals ----

    function testTheFirstRefusalIsNamed() public {
        bytes memory lanes = pair(A, 7, 1, 5);
        bytes memory form = section(0, GWEI, 2, abi.encodePacked(entry(2, 1), entry(1, 1)));
        refusesBody(abi.encodePacked(lanes, form), 48); // form before lanes
        bytes memory capped = abi.encodePacked(section(0, A, 1, entry(1, -1)), section(1, A, 1, entry(1, 90000)));
        refuses(settleData(1, meta(), capped), no(Cap.selector, 0, 86400)); // caps before sums
        refuses(
            settleData(1, meta(), abi.encodePacked(capped, pair(GWEI, 7, 8, 1))),
            no(Lane.selector, 1, 7) // lanes before caps
        );
        vm.warp(block.timestamp + 30 days);
        refuses(settleData(1, meta(), form), no(Key.selector)); // the key before the form
        guard(abi.encodePacked(uint8(2)));
        refuses(settleData(1, meta(), form), no(Paused.selector, block.timestamp + 86400));
    }
}

contract Relay {
    fallback() external {
        (INetLedger to, bytes memory data) = abi.decode(msg.data, (INetLedger, bytes));
        (bool ok,) = address(to).call(data);
        require(ok);
    }
}
