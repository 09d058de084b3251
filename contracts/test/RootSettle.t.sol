// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

/// settle in mode root: its body, what it must refuse, and what leaves by it.
contract RootSettleTest is RootWorld {
    AssetId private constant A = COIN;

    function setUp() public {
        start(3, 1_000_000);
    }

    // ---- it runs ----

    function testReleasesAndDataBecomeTheHead() public {
        bytes memory body = abi.encodePacked(release(A, 1, 10), release(GWEI, 2, 20), data(1, "deltas"));
        bytes memory call_ = settleData(1, meta(), body);
        vm.recordLogs();
        must(call_);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        equal(freeLane(A, 1), 2 ** 63 + 10);
        equal(freeLane(GWEI, 2), 2 ** 63 + 20);
        equal(logs.length, 1);
        require(logs[0].topics[0] == ILedger.Settled.selector && logs[0].topics[1] == head(), "event");
        vm.prank(owner(1));
        ledger.withdraw(A, AccountId.wrap(1), 10, owner(1));
        equal(coin.balanceOf(owner(1)), 10);
    }

    function testTwiceIsRefused() public {
        bytes memory call_ = settleData(1, meta(), release(A, 1, 10));
        must(call_);
        refuses(call_, no(Key.selector));
        equal(freeLane(A, 1), 2 ** 63 + 10);
    }

    function testAnyBitChangedIsRefused(uint256 bit) public {
        bytes memory call_ = settleData(1, meta(), abi.encodePacked(release(A, 1, 10), data(2, abi.encode(1))));
        bit = 32 + bit % (8 * call_.length - 32); // behind the selector
        call_[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        (bool ok,) = address(ledger).call(call_);
        require(!ok, "ran");
        equal(freeLane(A, 1), 0);
    }

    function testData() public {
        settle(data(0, ""));
        settle(data(1, ""));
        settle(data(1, "any bytes, of any number"));
        settle(data(2, abi.encode(1, 2)));
        settle(abi.encodePacked(release(A, 1, 1), exitReleased(3, 1), data(1, new bytes(20000))));
    }

    function exitReleased(uint256 id, int64 units) private returns (bytes memory) {
        goOut(id);
        return exitRelease(A, id, units);
    }

    // ---- form of the body ----

    function refusesBody(bytes memory body, uint256 offset) private {
        refuses(settleData(1, meta(), body), no(Entries.selector, offset));
    }

    function testEntries() public {
        bytes memory e1 = entry(1, 5);
        bytes memory e2 = entry(2, 5);
        bytes memory good = section(1, A, 2, abi.encodePacked(e1, e2));
        refusesBody(abi.encodePacked(uint8(1)), 0); // a head cut short
        refusesBody(section(1, A, 3, abi.encodePacked(e1, e2)), 0); // an entry is missing
        bytes memory cut = bytes.concat(good);
        assembly {
            mstore(cut, 29)
        }
        refusesBody(cut, 0); // an entry cut short
        refusesBody(section(1, A, 0, ""), 0);
        refusesBody(section(0, A, 2, abi.encodePacked(e1, e2)), 0); // positions are net's: no lane moves here
        refusesBody(pair(A, 1, 2, 5), 0);
        refusesBody(section(4, A, 1, e1), 0);
        refusesBody(section(255, A, 1, e1), 0);
        refusesBody(section(1, AssetId.wrap(0xffffff), 1, e1), 0);
        refusesBody(section(1, A, 2, abi.encodePacked(e2, e1)), 18); // not rising
        refusesBody(section(2, A, 2, abi.encodePacked(e1, e1)), 18); // twice
        refusesBody(section(1, A, 1, entry(0, 5)), 6); // id 0
        refusesBody(section(1, A, 1, entry(1, 0)), 6); // of nothing
        refusesBody(section(1, A, 2, abi.encodePacked(e1, entry(2, -5))), 18); // nothing is taken back
        refusesBody(section(2, A, 1, entry(1, type(int64).min)), 6);
        refusesBody(abi.encodePacked(good, good), 30); // an asset twice
        refusesBody(abi.encodePacked(section(1, GWEI, 1, e1), good), 18); // assets not rising
        refusesBody(abi.encodePacked(section(2, A, 1, e1), good), 18); // kinds not rising
        refusesBody(abi.encodePacked(good, uint8(0)), 30);
    }

    function testFormOfData() public {
        bytes memory good = release(A, 1, 5);
        refusesBody(abi.encodePacked(good, uint8(3), uint24(0xffffff)), 18); // no da
        refusesBody(abi.encodePacked(uint8(3), uint16(0xffff)), 0);
        refusesBody(abi.encodePacked(uint8(3), A, uint8(1), "x"), 0); // of an asset
        refusesBody(data(3, ""), 0);
        refusesBody(data(255, "x"), 0);
        refusesBody(data(0, "x"), 0); // none, and yet some
        // What stands behind data is data: nothing is released there.
        settle(abi.encodePacked(data(1, "x"), good));
        equal(freeLane(A, 1), 0);
    }

    function testMoreEntriesThanMayBe() public {
        bytes memory entries = new bytes(12 * 8193);
        for (uint256 i = 0; i < 8193; i++) {
            uint256 x = (i + 1) << 224 | 1 << 160;
            assembly {
                mstore(add(add(entries, 32), mul(12, i)), x)
            }
        }
        refusesBody(section(1, A, 8193, entries), 0);
    }

    // ---- releases ----

    function testReleasesAreCapped() public {
        settle(release(A, 1, 86400)); // all that a day lets out
        refuses(settleData(1, meta(), release(A, 1, 1)), no(Cap.selector, 0, 0));
        vm.warp(block.timestamp + 100);
        refuses(settleData(1, meta(), release(A, 1, 101)), no(Cap.selector, 0, 100));
        settle(release(A, 1, 100));
        equal(freeLane(A, 1), 2 ** 63 + 86500);
    }

    function testReleaseBeyondAFreeLane() public {
        bytes32 slot = keccak256(abi.encode(A, 101));
        vm.store(address(ledger), slot, bytes32(uint256(2 ** 64 - 1) << 64));
        refuses(settleData(1, meta(), release(A, 1, 1)), no(Lane.selector, 0, 1));
        goOut(1);
        refuses(settleData(1, meta(), exitRelease(A, 1, 1)), no(Lane.selector, 0, 1));
    }

    function goOut(uint256 id) private {
        vm.prank(owner(id));
        ledger.requestExit(AccountId.wrap(uint32(id)));
        vm.warp(block.timestamp + 172800);
    }

    function testExitReleasesAreDueAndUncapped() public {
        refuses(settleData(1, meta(), exitRelease(A, 1, 1)), no(ExitDelay.selector, 0)); // nobody asked
        refuses(settleData(1, meta(), exitRelease(A, 99, 1)), no(ExitDelay.selector, 0)); // nobody is there
        vm.prank(owner(1));
        ledger.requestExit(AccountId.wrap(1));
        uint256 from = block.timestamp + 172800;
        refuses(settleData(1, meta(), exitRelease(A, 1, 1)), no(ExitDelay.selector, from));
        vm.warp(from - 1);
        refuses(settleData(1, meta(), exitRelease(A, 1, 1)), no(ExitDelay.selector, from));
        vm.warp(from);
        bytes memory others = section(2, A, 2, abi.encodePacked(entry(1, 1), entry(2, 1)));
        refuses(settleData(1, meta(), others), no(ExitDelay.selector, 0)); // not in one's shadow
        settle(abi.encodePacked(release(A, 1, 86400), exitRelease(A, 1, 913_600)));
        equal(freeLane(A, 1), 2 ** 63 + 1_000_000); // both, in one lane
        vm.prank(owner(1));
        ledger.withdraw(A, AccountId.wrap(1), 1_000_000, owner(1));
        equal(coin.balanceOf(owner(1)), 1_000_000);
    }

    /// A broken enclave can give the pool away, to who has waited for it, and no more than the pool.
    function testMoreThanThereIsIsNotPaid() public {
        goOut(1);
        settle(abi.encodePacked(exitRelease(A, 1, 3_000_001), exitRelease(GWEI, 1, 3_000_001)));
        for (uint24 asset = 0; asset < 2; asset++) {
            bytes memory all = abi.encodeCall(ledger.withdraw, (AssetId.wrap(asset), AccountId.wrap(1), 3_000_001, owner(1)));
            refusesFrom(owner(1), all, asset == 0 ? no(Token.selector, uint160(address(coin))) : no(Refused.selector, uint160(owner(1))));
            equal(freeLane(AssetId.wrap(asset), 1), 2 ** 63 + 3_000_001);
            vm.prank(owner(1));
            ledger.withdraw(AssetId.wrap(asset), AccountId.wrap(1), 3_000_000, owner(1));
        }
        equal(coin.balanceOf(address(ledger)), 0);
        equal(address(ledger).balance, 0);
    }

    // ---- the order of refusals ----

    function testTheFirstRefusalIsNamed() public {
        bytes32 slot = keccak256(abi.encode(GWEI, 101));
        vm.store(address(ledger), slot, bytes32(uint256(2 ** 64 - 1) << 64)); // of account 1: full
        bytes memory capped = release(A, 1, 90000);
        bytes memory early = exitRelease(A, 2, 1);
        bytes memory full = release(GWEI, 1, 1);
        refuses(settleData(1, meta(), capped), no(Cap.selector, 0, 86400));
        refuses(settleData(1, meta(), abi.encodePacked(capped, early)), no(ExitDelay.selector, 0)); // exits before caps
        bytes memory body = abi.encodePacked(capped, early, full);
        refuses(settleData(1, meta(), body), no(Lane.selector, 1, 1)); // lanes before exits
        refusesBody(abi.encodePacked(body, data(3, "")), 54); // form before lanes
        vm.warp(block.timestamp + 30 days);
        refusesKey(abi.encodePacked(body, data(3, ""))); // the key before the form
    }

    function refusesKey(bytes memory body) private {
        refuses(settleData(1, meta(), body), no(Key.selector));
    }
}
