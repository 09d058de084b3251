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
        require(logs[0].topics[0] == INetLedger.Settled.selector && logs[0].topics[1] == head(), "event");
    }

    function testEmptyBodyIsAHeartbeat() public {
        bytes32 before = head();
        settle("");
        require(head() != before, "head");
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

    function testAnotherLedgerRefusesIt() public {
        bytes memory data = settleData(1, meta(), "");
        INetLedger first = ledger;
        ledger = found(goodPlan()); // the same genesis but for the address
        epochs = 0;
        vm.warp(block.timestamp - 1800);
        registerKey(1, INSTANCE, 1);
        vm.warp(block.timestamp + 1800);
        refuses(data, no(Key.selector));
        ledger = first;
        must(data);
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

    // ---- signatures ----

    function testSignatureForms() public {
        bytes memory data = settleData(1, meta(), "");
        uint256 vs = word(data, 132);
        bytes memory bad = bytes.concat(data);
        put(bad, 132, vs ^ 2 ** 255);
        refuses(bad, no(Key.selector)); // the other parity
        bad = bytes.concat(data);
        put(bad, 100, 0);
        refuses(bad, no(Key.selector)); // r = 0
        bad = bytes.concat(data);
        put(bad, 132, vs & 2 ** 255);
        refuses(bad, no(Key.selector)); // s = 0
        // The twin that recovers the same signer: n - s, other parity. It does not fit in 255 bits unless it is low.
        uint256 n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bad = bytes.concat(data);
        put(bad, 132, (n - (vs & 2 ** 255 - 1)) & 2 ** 255 - 1 | ~vs & 2 ** 255);
        refuses(bad, no(Key.selector));
        // The smallest s above half of the order that does fit.
        put(bad, 132, 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1);
        refuses(bad, no(Key.selector));
        must(data);
    }

    function testCallDataCutShort() public {
        bytes memory data = settleData(1, meta(), "");
        for (uint256 n = 4; n < 164; n += 16) {
            bytes memory cut = bytes.concat(data);
            assembly {
                mstore(cut, n)
            }
            refuses(cut, "");
        }
    }

    function word(bytes memory data, uint256 p) private pure returns (uint256 v) {
        assembly {
            v := mload(add(add(data, 32), p))
        }
    }

    function put(bytes memory data, uint256 p, uint256 v) private pure {
        assembly {
            mstore(add(add(data, 32), p), v)
        }
    }

    // ---- times, policy, mode ----

    function testTimes() public {
        uint40 now_ = uint40(block.timestamp);
        refuses(settleData(1, metaOf(now_ - 1, now_ - 9, 1, 1), ""), no(Expired.selector, now_ - 1));
        refuses(settleData(1, metaOf(now_ + 7201, now_, 1, 1), ""), no(Validity.selector, now_ + 7201, now_));
        refuses(settleData(1, metaOf(now_ + 9, now_ + 1, 1, 1), ""), no(Validity.selector, now_ + 9, now_ + 1));
        must(settleData(1, metaOf(now_ + 7200, now_, 1, 1), "")); // the last that may
        must(settleData(1, metaOf(now_, now_ - 7200, 1, 1), ""));
    }

    function testMode() public {
        uint40 now_ = uint40(block.timestamp);
        refuses(settleData(1, metaOf(now_ + 9, now_, 1, 2), ""), no(Mode.selector, 2));
        refuses(settleData(1, metaOf(now_ + 9, now_, 1, 0), ""), no(Mode.selector, 0));
        for (uint256 bit = 184; bit < 256; bit++) {
            refuses(settleData(1, meta() | 1 << bit, ""), no(Mode.selector, 1));
        }
    }

    function testPolicyOverlap() public {
        uint40 from = uint40(block.timestamp + 345600);
        govern(abi.encodePacked(uint8(16), uint32(2), sha256("policy 2"), uint256(3), from));
        vm.warp(from - 1);
        refuses(settleData(1, metaOf(from + 9, from - 1, 2, 1), ""), no(Policy.selector, 2));
        settle("");
        vm.warp(from); // both, for as long as a settlement lives
        must(settleData(1, metaOf(from + 9, from, 2, 1), ""));
        must(settleData(1, metaOf(from + 9, from, 1, 1), ""));
        vm.warp(from + 7200);
        must(settleData(1, metaOf(from + 7209, from + 7200, 1, 1), ""));
        vm.warp(from + 7201);
        refuses(settleData(1, metaOf(from + 7209, from + 7200, 1, 1), ""), no(Policy.selector, 1));
        must(settleData(1, metaOf(from + 7209, from + 7200, 2, 1), ""));
    }

    // ---- keys ----

    function testKeyBeforeAndAfterItsTime() public {
        registerKey(2, INSTANCE, 0);
        refuses(settleData(2, meta(), ""), no(Key.selector));
        vm.warp(block.timestamp + 1799);
        refuses(settleData(2, meta(), ""), no(Key.selector));
        vm.warp(block.timestamp + 1);
        must(settleData(2, meta(), ""));
        vm.warp(block.timestamp + 20 days - 1800);
        must(settleData(2, meta(), ""));
        vm.warp(block.timestamp + 1);
        refuses(settleData(2, meta(), ""), no(Key.selector));
    }

    function testFenceEndsKeysBefore() public {
        registerKey(2, sha256("instance 2"), 1);
        refuses(settleData(1, meta(), ""), no(Key.selector));
    }

    function testKeyOfAPolicyBelowTheLeast() public {
        uint40 from = uint40(block.timestamp + 345600);
        govern(abi.encodePacked(uint8(16), uint32(2), sha256("policy 2"), uint256(3), from));
        vm.warp(from);
        govern(abi.encodePacked(uint8(35), uint32(2)));
        refuses(settleData(1, metaOf(from + 9, from, 2, 1), ""), no(Key.selector));
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
