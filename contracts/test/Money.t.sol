// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./World.sol";

contract FeeCoin is Coin(6) {
    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _move(from, address(0xfee), 1);
        return _move(from, to, amount - 1);
    }
}

contract FalseCoin is Coin(6) {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// Returns nothing, as some old tokens do.
contract MuteCoin {
    mapping(address => uint256) public balanceOf;
    uint8 public constant decimals = 6;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address, uint256) external {}

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Calls somebody back before it moves anything.
contract HookCoin is Coin(6) {
    bytes private then;
    address private who;
    bool public went;

    function hook(address who_, bytes calldata then_) external {
        (who, then, went) = (who_, then_, false);
    }

    function callBack() private {
        if (who == address(0)) return;
        address to = who;
        who = address(0);
        (went,) = to.call(then);
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        callBack();
        return _move(from, to, amount);
    }

    function transfer(address to, uint256 amount) external override returns (bool) {
        callBack();
        return _move(msg.sender, to, amount);
    }
}

/// Loses a part of all balances whenever it likes.
contract RebasingCoin is Coin(6) {
    function shrink(address who) external {
        balanceOf[who] /= 2;
    }
}

/// An owner that is a contract: does what it is told, and takes ether as it is told.
contract Holder {
    uint256 public mode; // 0 takes, 1 refuses, 2 returns a lot, 3 calls back
    address private to;
    bytes private data;
    bool public went;

    function set(uint256 mode_, address to_, bytes calldata data_) external {
        (mode, to, data) = (mode_, to_, data_);
    }

    function act(address to_, bytes calldata data_) external payable {
        (bool ok, bytes memory out) = to_.call{value: msg.value}(data_);
        if (!ok) {
            assembly {
                revert(add(out, 32), mload(out))
            }
        }
    }

    receive() external payable {
        require(mode != 1);
        if (mode == 3) (went,) = to.call(data);
        if (mode == 2) {
            assembly {
                return(0, 1000000)
            }
        }
    }
}

/// Accounts, money in, and ways out.
contract MoneyTest is World {
    AccountId private constant ONE = AccountId.wrap(1);

    function setUp() public {
        start(2, 1000);
    }

    // ---- accounts ----

    function testOpen() public {
        refuses(abi.encodeCall(ledger.open, (owner(1))), no(AlreadyOpen.selector, 1));
        refuses(abi.encodeCall(ledger.open, (address(0))), no(Owner.selector, 0));
        equal(AccountId.unwrap(ledger.open(owner(3))), 3);
        bytes32 counters = vm.load(address(ledger), bytes32(uint256(5)));
        vm.store(address(ledger), bytes32(uint256(5)), counters | bytes32(uint256(type(uint32).max)));
        refuses(abi.encodeCall(ledger.open, (owner(9))), no(Full.selector));
    }

    function testOpenLane() public {
        ledger.open(owner(3));
        AccountId three = AccountId.wrap(3);
        refuses(abi.encodeCall(ledger.openLane, (COIN, AccountId.wrap(4))), no(Account.selector, 4));
        refuses(abi.encodeCall(ledger.openLane, (AssetId.wrap(3), three)), no(Asset.selector, 3));
        ledger.openLane(COIN, three);
        equal(lane(COIN, 3), 2 ** 63);
        refuses(abi.encodeCall(ledger.openLane, (COIN, three)), no(AlreadyOpen.selector, 3));
    }

    // ---- in ----

    function testDepositsAreInUnits() public view {
        equal(lane(COIN, 1), 2 ** 63 + 1000);
        equal(coin.balanceOf(address(ledger)), 2000);
        equal(address(ledger).balance, 2000e9);
        equal(fine.balanceOf(address(ledger)), 2000e9);
    }

    function depositData(AssetId asset, uint64 units) private view returns (bytes memory) {
        return abi.encodeCall(ledger.deposit, (asset, ONE, units));
    }

    function testDepositRefusals() public {
        refuses(depositData(COIN, 0), no(Units.selector));
        refuses(depositData(AssetId.wrap(3), 1), no(Asset.selector, 3));
        refuses(abi.encodeCall(ledger.deposit, (COIN, AccountId.wrap(9), 1)), no(Account.selector, 9));
        refuses(depositData(COIN, 1), abi.encodeWithSelector(Token.selector, coin)); // the sender has none
        refuses(depositData(COIN, 2 ** 63 - 2000), no(Held.selector, 0, 2000));
        guard(abi.encodePacked(uint8(2)));
        refuses(depositData(COIN, 1), no(Paused.selector, block.timestamp + 86400));
        vm.warp(block.timestamp + 86400);
        govern(abi.encodePacked(uint8(33), COIN));
        refuses(depositData(COIN, 1), no(Asset.selector, 0));
        vm.prank(owner(1));
        ledger.requestExit(ONE);
        refuses(depositData(COIN, 1), no(Exiting.selector, 1, block.timestamp));
    }

    function testEtherMustComeWithItsCallAndNoOther() public {
        vm.deal(address(this), 10e9);
        refuses(depositData(GWEI, 5), no(Value.selector, 5e9));
        (bool ok, bytes memory out) = address(ledger).call{value: 4e9}(depositData(GWEI, 5));
        same(ok, out, no(Value.selector, 5e9));
        (ok, out) = address(ledger).call{value: 1}(depositData(COIN, 5));
        // The token is asked last, but ether with it is refused first.
        same(ok, out, no(Value.selector, 0));
        ledger.deposit{value: 5e9}(GWEI, ONE, 5);
        equal(lane(GWEI, 1), 2 ** 63 + 1005);
        (ok,) = address(ledger).call{value: 1}("");
        require(!ok, "ether that nobody accounts for");
        (ok,) = address(ledger).call{value: 1}(abi.encodeCall(ledger.alarm, ()));
        require(!ok, "ether with another call");
    }

    function withToken(address token) private {
        Plan memory p = goodPlan();
        p.token0 = token;
        ledger = found(p);
        ledger.open(owner(1));
        Coin(token).mint(address(this), 1000);
        Coin(token).approve(address(ledger), 1000);
    }

    function testTokensThatTakeAFee() public {
        address token = address(new FeeCoin());
        withToken(token);
        refuses(depositData(COIN, 10), abi.encodeWithSelector(Token.selector, token));
    }

    function testTokensThatSayNo() public {
        address token = address(new FalseCoin());
        withToken(token);
        refuses(depositData(COIN, 10), abi.encodeWithSelector(Token.selector, token));
    }

    function testTokensThatSayNothing() public {
        address token = address(new MuteCoin());
        withToken(token);
        must(depositData(COIN, 10));
        equal(lane(COIN, 1), 2 ** 63 + 10);
        goOut(1);
        equal(Coin(token).balanceOf(owner(1)), 10);
    }

    function testTokensThatAreNone() public {
        withToken(address(new MuteCoin()));
        vm.etch(address(uint160(uint256(vm.load(address(ledger), keccak256(abi.encode(0, 19)))))), "");
        (bool ok,) = address(ledger).call(depositData(COIN, 10));
        require(!ok, "credited for nothing");
    }

    function testDecimalsBelowTheScale() public {
        address token = address(new Coin(5));
        withToken(token);
        refuses(depositData(COIN, 10), abi.encodeWithSelector(Token.selector, token));
    }

    function testTokensThatCallBack() public {
        HookCoin token = new HookCoin();
        withToken(address(token));
        must(depositData(COIN, 100));
        // A deposit in a deposit: what both say came must have come.
        Holder holder = new Holder();
        token.mint(address(holder), 100);
        holder.act(address(token), abi.encodeCall(token.approve, (address(ledger), 100)));
        token.hook(address(holder), abi.encodeCall(holder.act, (address(ledger), depositData(COIN, 5))));
        refuses(depositData(COIN, 10), abi.encodeWithSelector(Token.selector, token));
        // A withdrawal in a withdrawal: the lane has gone down before.
        epochs = 0;
        registerKey(1, INSTANCE, 1);
        vm.warp(block.timestamp + 1800);
        settle(release(COIN, 1, 30));
        bytes memory again = abi.encodeCall(ledger.withdraw, (COIN, ONE, 20, owner(1)));
        token.hook(address(ledger), again);
        vm.prank(owner(1));
        ledger.withdraw(COIN, ONE, 20, owner(1));
        require(!token.went(), "withdrew twice");
        equal(token.balanceOf(owner(1)), 20);
        equal(freeLane(COIN, 1), 2 ** 63 + 10);
        equal(token.balanceOf(address(ledger)), 80);
    }

    function testTokensThatShrink() public {
        RebasingCoin token = new RebasingCoin();
        withToken(address(token));
        must(depositData(COIN, 100));
        vm.prank(owner(1));
        ledger.requestExit(ONE);
        vm.warp(block.timestamp + 172800);
        token.shrink(address(ledger));
        refuses(
            abi.encodeCall(ledger.finalizeExit, (COIN, ONE, address(0))), abi.encodeWithSelector(Token.selector, token)
        );
        token.mint(address(ledger), 50);
        ledger.finalizeExit(COIN, ONE, address(0)); // nothing of the account was lost
        equal(token.balanceOf(owner(1)), 100);
    }

    // ---- out ----

    function goOut(uint256 i) private {
        vm.prank(owner(i));
        ledger.requestExit(AccountId.wrap(uint32(i)));
        vm.warp(block.timestamp + 172800);
        ledger.finalizeExit(COIN, AccountId.wrap(uint32(i)), address(0));
    }

    function withdrawData(AssetId asset, uint64 units, address to) private view returns (bytes memory) {
        return abi.encodeCall(ledger.withdraw, (asset, ONE, units, to));
    }

    function testWithdraw() public {
        settle(abi.encodePacked(release(COIN, 1, 30), release(GWEI, 1, 30), release(FINE, 1, 30)));
        refuses(withdrawData(COIN, 1, owner(1)), no(Owner.selector, 1));
        refusesFrom(owner(1), withdrawData(AssetId.wrap(3), 1, owner(1)), no(Asset.selector, 3));
        refusesFrom(owner(1), withdrawData(COIN, 1, address(0)), no(Recipient.selector));
        refusesFrom(owner(1), withdrawData(COIN, 0, owner(1)), no(Units.selector));
        refusesFrom(owner(1), withdrawData(COIN, 31, owner(1)), no(Free.selector, 30));
        refusesFrom(owner(1), abi.encodeCall(ledger.withdraw, (COIN, AccountId.wrap(9), 1, owner(1))), no(Account.selector, 9));
        guard(abi.encodePacked(uint8(2))); // paused: it goes on
        for (uint24 asset = 0; asset < 3; asset++) {
            vm.prank(owner(1));
            ledger.withdraw(AssetId.wrap(asset), ONE, 30, owner(5));
            equal(freeLane(AssetId.wrap(asset), 1), 2 ** 63);
        }
        equal(coin.balanceOf(owner(5)), 30);
        equal(owner(5).balance, 30e9);
        equal(fine.balanceOf(owner(5)), 30e9);
    }

    function testExit() public {
        bytes memory finalize = abi.encodeCall(ledger.finalizeExit, (COIN, ONE, address(0)));
        refuses(abi.encodeCall(ledger.requestExit, (ONE)), no(Owner.selector, 1));
        refuses(finalize, no(ExitDelay.selector, 0));
        vm.prank(owner(1));
        ledger.requestExit(ONE);
        uint256 from = block.timestamp + 172800;
        refusesFrom(owner(1), abi.encodeCall(ledger.requestExit, (ONE)), no(Exiting.selector, 1, block.timestamp));
        settle(release(COIN, 1, 30)); // until the delay is over, settlements move the account
        vm.warp(from - 1);
        refuses(finalize, no(ExitDelay.selector, from));
        vm.warp(from);
        refuses(abi.encodeCall(ledger.finalizeExit, (COIN, ONE, owner(5))), no(Owner.selector, 1));
        ledger.finalizeExit(COIN, ONE, address(0));
        equal(coin.balanceOf(owner(1)), 1000); // both lanes
        refuses(finalize, no(Nothing.selector));
        settle(pair(COIN, 2, 1, 7)); // a late credit
        vm.prank(owner(1));
        ledger.finalizeExit(COIN, ONE, owner(5));
        equal(coin.balanceOf(owner(5)), 7);
        ledger.finalizeExit(GWEI, ONE, owner(1));
        equal(owner(1).balance, 1000e9);
    }

    /// Exit delay against pause: a settlement that waited out a pause still comes before the exit of a debtor.
    function testAPauseEndsBeforeAnExitDoes() public {
        vm.prank(owner(1));
        ledger.requestExit(ONE);
        uint256 from = block.timestamp + 172800;
        guard(abi.encodePacked(uint8(2)));
        vm.warp(block.timestamp + 86400);
        settle(pair(COIN, 1, 2, 1000));
        refuses(actData(2, abi.encodePacked(uint8(2))), no(Cooldown.selector, block.timestamp + 172800));
        vm.warp(from);
        ledger.finalizeExit(COIN, ONE, address(0));
        equal(coin.balanceOf(owner(1)), 0);
    }

    function testReceiversOfEther() public {
        Holder holder = new Holder();
        AccountId id = ledger.open(address(holder));
        vm.deal(address(this), 10e9);
        ledger.deposit{value: 10e9}(GWEI, id, 10);
        holder.act(address(ledger), abi.encodeCall(ledger.requestExit, (id)));
        vm.warp(block.timestamp + 172800);
        bytes memory finalize = abi.encodeCall(ledger.finalizeExit, (GWEI, id, address(0)));
        holder.set(1, address(0), "");
        refuses(finalize, abi.encodeWithSelector(Refused.selector, holder));
        equal(lane(GWEI, AccountId.unwrap(id)), 2 ** 63 + 10);
        holder.set(3, address(ledger), finalize); // again, from within
        (bool ok,) = address(ledger).call(finalize);
        require(ok && !holder.went(), "paid twice");
        equal(address(holder).balance, 10e9);
        equal(address(ledger).balance, 2000e9);
    }

    function testReturnedBytesCostTheReceiverOnly() public {
        Holder holder = new Holder();
        AccountId id = ledger.open(address(holder));
        vm.deal(address(this), 10e9);
        ledger.deposit{value: 10e9}(GWEI, id, 10);
        holder.act(address(ledger), abi.encodeCall(ledger.requestExit, (id)));
        vm.warp(block.timestamp + 172800);
        holder.set(2, address(0), "");
        uint256 before = gasleft();
        ledger.finalizeExit{gas: 2_400_000}(GWEI, id, address(0)); // the receiver's million bytes take 2.0 million
        require(before - gasleft() < 2_400_000, "gas");
        equal(address(holder).balance, 10e9);
    }

    // ---- the end ----

    function testDeath() public {
        refuses(abi.encodeCall(ledger.declareDead, ()), no(NoAlarm.selector));
        ledger.alarm();
        uint256 at_ = block.timestamp;
        refuses(abi.encodeCall(ledger.alarm, ()), no(Alarmed.selector, at_));
        settle("");
        refuses(abi.encodeCall(ledger.declareDead, ()), no(NoAlarm.selector)); // something settled
        ledger.alarm();
        refuses(abi.encodeCall(ledger.declareDead, ()), no(DeadDelay.selector, at_ + 604800));
        settle(release(COIN, 1, 10));
        ledger.alarm();
        vm.warp(at_ + 604800);
        ledger.declareDead();
        refuses(settleData(1, meta(), ""), no(Dead.selector));
        refuses(abi.encodeCall(ledger.open, (owner(9))), no(Dead.selector));
        refuses(abi.encodeCall(ledger.openLane, (COIN, ONE)), no(Dead.selector));
        refuses(depositData(COIN, 1), no(Dead.selector));
        refuses(abi.encodeCall(ledger.requestExit, (ONE)), no(Dead.selector));
        refuses(abi.encodeCall(ledger.alarm, ()), no(Dead.selector));
        refuses(abi.encodeCall(ledger.declareDead, ()), no(Dead.selector));
        refuses(registerData(2, INSTANCE, goodTerms()), no(Dead.selector));
        refuses(actData(2, abi.encodePacked(uint8(2))), no(Dead.selector));
        vm.prank(owner(1));
        ledger.withdraw(COIN, ONE, 10, owner(1));
        for (uint32 i = 1; i <= 2; i++) ledger.finalizeExit(COIN, AccountId.wrap(i), address(0)); // without a request
        equal(coin.balanceOf(owner(1)), 1000);
        equal(coin.balanceOf(owner(2)), 1000);
    }
}
