// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

/// An owner that takes ether, or does not, or calls back when it comes.
contract Payee {
    bytes private then;
    bool private closed;
    bool public went;

    function set(bool closed_, bytes calldata then_) external {
        (closed, then) = (closed_, then_);
    }

    receive() external payable {
        require(!closed);
        if (then.length != 0) (went,) = msg.sender.call(then);
    }
}

/// Deposits in mode root, and what an account gets when the ledger is dead.
contract RootMoneyTest is RootWorld {
    AccountId private constant ONE = AccountId.wrap(1);

    function setUp() public {
        start(2, 1000); // each owner deposits in three assets, one after the other
    }

    // ---- deposits ----

    function testPositionsFollowFirstDeposits() public {
        for (uint256 i = 0; i < 6; i++) {
            AssetId asset = AssetId.wrap(uint24(i % 3));
            equal(record(asset, 1 + i / 3), 1000 | (1 + i) << 96);
        }
        depositAs(COIN, 2, 5);
        equal(record(COIN, 2), 1005 | 4 << 96); // for good
        ledger.open(owner(3));
        depositAs(COIN, 3, 7);
        equal(record(COIN, 3), 7 | 7 << 96);
        equal(uint256(vm.load(address(ledger), bytes32(uint256(8)))), 8);
        equal(lane(COIN, 3), 0); // there are no lanes
    }

    function testTheInboxHasDepositsAsInNet() public {
        fund(COIN, 1, 5);
        vm.recordLogs();
        vm.prank(owner(1));
        ledger.deposit(COIN, ONE, 5);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bytes memory message = abi.encodePacked(uint8(3), uint40(block.timestamp), COIN, ONE, uint64(5));
        require(logs[0].topics[0] == ILedger.Inbox.selector, "event");
        equal(uint256(keccak256(abi.decode(logs[0].data, (bytes)))), uint256(keccak256(message)));
    }

    function depositData(AssetId asset, uint256 id, uint64 units) private view returns (bytes memory) {
        return abi.encodeCall(ledger.deposit, (asset, AccountId.wrap(uint32(id)), units));
    }

    function testDepositRefusals() public {
        refuses(depositData(COIN, 1, 0), no(Units.selector));
        refuses(depositData(AssetId.wrap(3), 1, 1), no(Asset.selector, 3));
        refuses(depositData(COIN, 9, 1), no(Account.selector, 9));
        refuses(depositData(COIN, 1, 1), abi.encodeWithSelector(Token.selector, coin)); // the sender has none
        refuses(depositData(COIN, 1, 2 ** 63 - 2000), no(Held.selector, 0, 2000));
        vm.store(address(ledger), recordSlot(COIN, 1), bytes32(uint256(2 ** 80 - 4 | 1 << 96)));
        refuses(depositData(COIN, 1, 4), no(Held.selector, 0, 2000)); // more than a leaf can say was credited
        depositAs(COIN, 1, 3);
        equal(record(COIN, 1), 2 ** 80 - 1 | 1 << 96);
        vm.store(address(ledger), bytes32(uint256(8)), bytes32(uint256(type(uint32).max)));
        ledger.open(owner(3));
        refuses(depositData(COIN, 3, 1), no(Full.selector));
        refuses(depositData(COIN, 3, 2 ** 63 - 1), no(Held.selector, 0, 2003)); // before Full
        depositAs(COIN, 2, 1); // who has a position goes on
        vm.prank(owner(1));
        ledger.requestExit(ONE);
        refuses(depositData(COIN, 1, 1), no(Exiting.selector, 1, block.timestamp));
        guard(abi.encodePacked(uint8(2)));
        refuses(depositData(COIN, 1, 1), no(Paused.selector, block.timestamp + 86400));
    }

    function testLanesAreNotThere() public {
        refuses(abi.encodeCall(ledger.openLane, (COIN, ONE)), "");
        refuses(abi.encodeCall(ledger.finalizeExit, (COIN, ONE, address(0))), "");
    }

    // ---- rootExit ----

    function exits(AssetId asset, uint256 id, Holding memory h) private {
        must(exitData(asset, id, h));
    }

    function refusesLeaf(bytes memory data_, uint256 at_) private {
        refuses(data_, no(Leaf.selector, at_));
    }

    function testOnlyOnceItIsDead() public {
        put(COIN, 1, holding(1000, 1000, 0));
        settleRoot("");
        refuses(exitData(COIN, 1, holding(1000, 1000, 0)), no(Alive.selector));
        vm.prank(owner(1));
        ledger.requestExit(ONE);
        vm.warp(block.timestamp + 172800);
        refuses(exitData(COIN, 1, holding(1000, 1000, 0)), no(Alive.selector)); // a due exit is for settlements
        die();
        exits(COIN, 1, holding(1000, 1000, 0));
        equal(coin.balanceOf(owner(1)), 1000);
    }

    function testItPaysBalanceAndWhatWasNotCredited() public {
        put(COIN, 1, holding(1300, 1000, 0)); // 300 came from the second
        put(COIN, 2, Holding(650, 1000, 50, sha256("salt")));
        settleRoot(release(COIN, 2, 50));
        depositAs(COIN, 1, 70); // the book has not seen it
        die();
        exits(COIN, 1, holding(1300, 1000, 0));
        equal(coin.balanceOf(owner(1)), 1370);
        exits(COIN, 2, Holding(650, 1000, 50, sha256("salt")));
        equal(coin.balanceOf(owner(2)), 650);
        vm.prank(owner(2));
        ledger.withdraw(COIN, AccountId.wrap(2), 50, owner(2)); // what was released goes on
        equal(coin.balanceOf(address(ledger)), 0);
        equal(record(COIN, 1), 1070 | 1 << 96 | 1 << 128);
    }

    function testBeforeAnySettlementAllDepositsArePaid() public {
        die();
        bytes32[32] memory none;
        Settlement memory any; // not looked at
        for (uint24 asset = 0; asset < 3; asset++) must(exitData(any, AssetId.wrap(asset), 1, holding(7, 7, 7), none));
        equal(coin.balanceOf(owner(1)), 1000);
        equal(owner(1).balance, 1000e9);
        equal(fine.balanceOf(owner(1)), 1000e9);
        refuses(exitData(any, COIN, 1, nothing(), none), no(Nothing.selector));
    }

    function testADepositThatTheBookHasNotSeen() public {
        put(COIN, 1, holding(1000, 1000, 0));
        settleRoot("");
        die();
        exits(COIN, 2, nothing()); // an empty leaf
        equal(coin.balanceOf(owner(2)), 1000);
    }

    function testWhatIsNothingIsPaidOnceToo() public {
        put(COIN, 1, holding(0, 1000, 1000));
        settleRoot("");
        die();
        exits(COIN, 1, holding(0, 1000, 1000));
        equal(coin.balanceOf(owner(1)), 0);
        refuses(exitData(COIN, 1, holding(0, 1000, 1000)), no(Nothing.selector));
    }

    function testNobodyExitsTwice() public {
        put(COIN, 1, holding(900, 1000, 0));
        settleRoot("");
        die();
        exits(COIN, 1, holding(900, 1000, 0));
        refuses(exitData(COIN, 1, holding(900, 1000, 0)), no(Nothing.selector));
        refusesFrom(owner(1), exitData(COIN, 1, holding(900, 1000, 0)), no(Nothing.selector));
        exits(GWEI, 1, nothing()); // each asset by itself
        equal(coin.balanceOf(owner(1)), 900);
        equal(owner(1).balance, 1000e9);
    }

    // ---- what must not be believed ----

    /// Claims against older heads would steal: what was spent since would be paid twice.
    function testOnlyTheLastHeadCounts() public {
        put(COIN, 1, holding(1000, 1000, 0)); // A
        settleRoot("");
        Settlement memory first = last;
        bytes memory old = exitData(COIN, 1, holding(1000, 1000, 0));
        put(COIN, 1, holding(0, 1000, 0)); // B: all spent
        settleRoot("");
        Settlement memory second = last;
        die();
        refuses(old, no(Head.selector));
        refusesLeaf(exitData(COIN, 1, holding(1000, 1000, 0)), 1);
        // Any mixture of the two is no settlement.
        second.stateRoot = first.stateRoot;
        refuses(exitData(second, COIN, 1, holding(1000, 1000, 0), pathOf(1)), no(Head.selector));
        exits(COIN, 1, holding(0, 1000, 0));
        equal(coin.balanceOf(owner(1)), 0);
    }

    /// The same root again is another head: a chain of contents, not of states.
    function testTheSameRootAgainIsAnotherHead() public {
        put(COIN, 1, holding(1000, 1000, 0)); // A
        settleRoot("");
        bytes memory replay = settleData(1, meta(), "");
        bytes memory old = exitData(COIN, 1, holding(1000, 1000, 0));
        put(COIN, 1, holding(1, 1000, 0)); // B
        settleRoot("");
        put(COIN, 1, holding(1000, 1000, 0)); // A
        settleRoot("");
        refuses(replay, no(Key.selector));
        die();
        refuses(old, no(Head.selector));
        exits(COIN, 1, holding(1000, 1000, 0));
        equal(coin.balanceOf(owner(1)), 1000);
    }

    function testEachWordOfTheSettlementCounts() public {
        settleRoot(data(1, "x"));
        die();
        bytes32[32] memory path = pathOf(1);
        for (uint256 i = 0; i < 5; i++) {
            Settlement memory shown = last;
            if (i == 0) shown.meta ^= 1;
            if (i == 1) shown.prevHead ^= bytes32(uint256(1));
            if (i == 2) shown.stateRoot ^= bytes32(uint256(1));
            if (i == 3) shown.entries ^= bytes32(uint256(1));
            if (i == 4) shown.receipts ^= bytes32(uint256(1));
            refuses(exitData(shown, COIN, 1, nothing(), path), no(Head.selector));
        }
    }

    function testTheLeafIsTheAccounts() public {
        Holding memory mine = Holding(1000, 1000, 5, sha256("salt"));
        put(COIN, 1, mine);
        put(COIN, 2, holding(900, 1000, 0));
        settleRoot("");
        die();
        bytes32[32] memory path = pathOf(1);
        refusesLeaf(exitData(last, COIN, 2, holding(1000, 1000, 5), path), 4); // another's
        refusesLeaf(exitData(last, COIN, 2, mine, path), 4);
        refusesLeaf(exitData(last, GWEI, 1, mine, path), 2); // another asset's
        refusesLeaf(exitData(last, COIN, 1, nothing(), path), 1);
        refusesLeaf(exitData(last, COIN, 1, mine, pathOf(4)), 1); // another's path
        for (uint256 i = 0; i < 4; i++) {
            Holding memory h = Holding(1000, 1000, 5, sha256("salt"));
            if (i == 0) h.balance++;
            if (i == 1) h.creditedIn--;
            if (i == 2) h.released++;
            if (i == 3) h.salt = 0;
            refusesLeaf(exitData(last, COIN, 1, h, path), 1);
        }
        exits(COIN, 1, mine);
    }

    function testEachNodeOfThePathCounts(uint256 at_, uint256 bit) public {
        put(COIN, 1, holding(1000, 1000, 0));
        settleRoot("");
        die();
        bytes32[32] memory path = pathOf(1);
        path[at_ % 32] ^= bytes32(1 << bit % 256);
        refusesLeaf(exitData(last, COIN, 1, holding(1000, 1000, 0), path), 1);
    }

    /// An inner node is no leaf: the tree has one depth, and 31 siblings are not 32.
    function testPathsOfAnotherDepth() public {
        put(COIN, 1, holding(1000, 1000, 0));
        put(GWEI, 1, holding(5, 5, 0));
        settleRoot("");
        die();
        bytes memory data_ = exitData(COIN, 1, holding(1000, 1000, 0));
        bytes memory cut = bytes.concat(data_);
        assembly {
            mstore(cut, sub(mload(cut), 32))
        }
        refuses(cut, "");
        bytes32[32] memory path = pathOf(1);
        for (uint256 i = 0; i < 31; i++) path[i] = path[i + 1];
        path[31] = 0;
        refusesLeaf(exitData(last, COIN, 1, holding(1000, 1000, 0), path), 1);
        must(data_);
    }

    /// Who has never deposited has no position; the leaf at 0 is the enclave's own.
    function testNoPositionNoExit() public {
        ledger.open(owner(3));
        putLeaf(0, leafOf(COIN, 3, holding(1000, 0, 0)));
        settleRoot("");
        die();
        refusesLeaf(exitData(last, COIN, 3, holding(1000, 0, 0), pathOf(0)), 0);
        refuses(exitData(last, COIN, 9, nothing(), pathOf(0)), no(Account.selector, 9));
        refuses(exitData(last, AssetId.wrap(3), 3, nothing(), pathOf(0)), no(Asset.selector, 3));
    }

    function testNoPositionNoExitBeforeAnySettlement() public {
        ledger.open(owner(3));
        die();
        refusesLeaf(exitData(last, COIN, 3, nothing(), pathOf(0)), 0);
    }

    function testABookThatCannotBe() public {
        put(COIN, 1, holding(1000, 1001, 0)); // more credited than was deposited
        put(COIN, 2, holding(2 ** 63 - 1000, 0, 0)); // with what was not credited, more than a ledger holds
        put(GWEI, 1, holding(type(uint96).max, 1000, 0));
        settleRoot("");
        die();
        refusesLeaf(exitData(COIN, 1, holding(1000, 1001, 0)), 1);
        refusesLeaf(exitData(COIN, 2, holding(2 ** 63 - 1000, 0, 0)), 4);
        refusesLeaf(exitData(GWEI, 1, holding(type(uint96).max, 1000, 0)), 2);
    }

    function testTheOrderOfRefusals() public {
        put(COIN, 1, holding(1000, 1000, 0));
        settleRoot("");
        bytes32[32] memory none;
        Settlement memory any;
        refuses(exitData(any, AssetId.wrap(3), 9, nothing(), none), no(Alive.selector));
        die();
        refuses(exitData(any, AssetId.wrap(3), 9, nothing(), none), no(Account.selector, 9));
        refuses(exitData(any, AssetId.wrap(3), 1, nothing(), none), no(Asset.selector, 3));
        refuses(exitData(any, COIN, 1, nothing(), none), no(Head.selector));
        refusesLeaf(exitData(last, COIN, 1, nothing(), none), 1);
        exits(COIN, 1, holding(1000, 1000, 0));
        refusesLeaf(exitData(last, COIN, 1, nothing(), none), 1); // before Nothing
        refuses(exitData(COIN, 1, holding(1000, 1000, 0)), no(Nothing.selector));
    }

    // ---- receivers ----

    function testReceiversOfEther() public {
        Payee payee = new Payee();
        AccountId id = ledger.open(address(payee));
        vm.deal(address(this), 10e9);
        ledger.deposit{value: 10e9}(GWEI, id, 10);
        put(GWEI, 3, holding(10, 10, 0));
        settleRoot("");
        die();
        bytes memory data_ = exitData(GWEI, 3, holding(10, 10, 0));
        payee.set(true, "");
        refuses(data_, abi.encodeWithSelector(Refused.selector, payee));
        equal(record(GWEI, 3) >> 128, 0); // nothing is lost
        payee.set(false, data_); // again, from within
        must(data_);
        require(!payee.went(), "paid twice");
        equal(address(payee).balance, 10e9);
        equal(address(ledger).balance, 2000e9);
    }

    function testAfterAChainSplitItGoesOn() public {
        put(COIN, 1, holding(1000, 1000, 0));
        settleRoot("");
        die();
        vm.chainId(31338);
        exits(COIN, 1, holding(1000, 1000, 0));
        equal(coin.balanceOf(owner(1)), 1000);
    }

    /// Any leaf, at any position, beside others.
    function testAnyPosition(uint32 at_, uint96 balance, uint80 credited, bytes32 salt, uint32 other) public {
        at_ = at_ == 0 ? 1 : at_;
        uint96 deposited = uint96(credited) + 3;
        balance %= 2 ** 62;
        vm.store(address(ledger), recordSlot(COIN, 1), bytes32(uint256(deposited) | uint256(at_) << 96));
        if (other != at_) putLeaf(other, keccak256(abi.encode(other)));
        Holding memory h = Holding(balance, credited, 9, salt);
        put(COIN, 1, h);
        settleRoot("");
        die();
        coin.mint(address(ledger), balance + 3);
        exits(COIN, 1, h);
        equal(coin.balanceOf(owner(1)), balance + 3);
        refuses(exitData(COIN, 1, h), no(Nothing.selector));
    }
}
