// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./World.sol";

/// Everybody who uses a ledger, at random: owners, a settlement key, guardians, strangers with old settlements.
contract Crowd is World {
    uint256 private constant PEOPLE = 9;
    uint256 private key = 1;
    bytes private last; // the last settlement that ran
    bytes32[] public heads;
    uint256 public settled;
    uint256 public refused;

    constructor() {
        start(4, 1000);
        heads.push(head());
    }

    function theLedger() external view returns (address) {
        return address(ledger);
    }

    function theCoins() external view returns (address, address) {
        return (address(coin), address(fine));
    }

    function headsCount() external view returns (uint256) {
        return heads.length;
    }

    function pick(uint256 x) private pure returns (uint256) {
        return 1 + x % PEOPLE;
    }

    function pickAsset(uint256 x) private pure returns (AssetId) {
        return AssetId.wrap(uint24(x % 3));
    }

    function attempt(address who, bytes memory data) private returns (bool ok) {
        vm.prank(who);
        (ok,) = address(ledger).call(data);
        if (!ok) refused++;
    }

    function open(uint256 i) external {
        attempt(address(this), abi.encodeCall(ledger.open, (owner(pick(i)))));
    }

    function openLane(uint256 asset, uint256 i) external {
        attempt(address(this), abi.encodeCall(ledger.openLane, (pickAsset(asset), AccountId.wrap(uint32(pick(i))))));
    }

    function deposit(uint256 asset, uint256 i, uint256 units) external {
        uint256 who = pick(i);
        uint256 value = fund(pickAsset(asset), who, uint64(units % 5000));
        vm.prank(owner(who));
        (bool ok,) = address(ledger).call{value: value}(
            abi.encodeCall(ledger.deposit, (pickAsset(asset), AccountId.wrap(uint32(who)), uint64(units % 5000)))
        );
        if (!ok) refused++;
    }

    function settleSome(uint256 a, uint256 b, uint256 asset, int64 units, bool releases) external {
        uint256 from = pick(a);
        uint256 to = pick(b);
        units = units % 600;
        if (from == to && !releases) to = from % PEOPLE + 1;
        bytes memory body =
            releases ? release(pickAsset(asset), from, units) : pair(pickAsset(asset), from, to, units);
        run(settleData(key, meta(), body));
    }

    /// A body that somebody made up, signed all the same: a broken enclave cannot make money either.
    function settleAnything(bytes calldata body) external {
        run(settleData(key, meta(), body));
    }

    function settleWrong(uint256 id, int64 amount, uint256 asset, uint8 kind) external {
        run(settleData(key, meta(), section(kind % 2, pickAsset(asset), 1, entry(id % 40, amount))));
    }

    function run(bytes memory data) private {
        if (!attempt(address(this), data)) return;
        settled++;
        last = data;
        heads.push(head());
    }

    function replay() external {
        if (last.length != 0) require(!attempt(address(0xbad), last), "a settlement ran twice");
    }

    function withdraw(uint256 asset, uint256 i, uint256 units) external {
        uint256 who = pick(i);
        uint64 most = uint64(freeLane(pickAsset(asset), who) & 2 ** 63 - 1);
        bytes memory data =
            abi.encodeCall(ledger.withdraw, (pickAsset(asset), AccountId.wrap(uint32(who)), uint64(units % (most + 2)), owner(who)));
        attempt(owner(who), data);
    }

    function requestExit(uint256 i) external {
        if (i % 4 == 0) attempt(owner(pick(i)), abi.encodeCall(ledger.requestExit, (AccountId.wrap(uint32(pick(i))))));
    }

    function finalizeExit(uint256 asset, uint256 i) external {
        attempt(
            address(this), abi.encodeCall(ledger.finalizeExit, (pickAsset(asset), AccountId.wrap(uint32(pick(i))), address(0)))
        );
    }

    function wait_(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 40000);
        if (block.timestamp > T0 + 15 days * uint256(epochs)) { // the key is renewed in time
            registerKey(++key, INSTANCE, 0);
        }
    }

    function alarm() external {
        attempt(address(this), abi.encodeCall(ledger.alarm, ()));
    }
}

/// What holds after every call.
contract InvariantTest is World {
    Crowd private crowd;

    function setUp() public {
        crowd = new Crowd();
        ledger = IAnyLedger(crowd.theLedger());
        (address a, address b) = crowd.theCoins();
        (coin, fine) = (Coin(a), Coin(b));
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    function invariantHolds() external view {
        whatIsOwedIsHeld();
        theHeadMovesBySettlementsOnly();
    }

    /// Nobody has more than there is, to the unit. No lane is open without an account, no units lie in one that is not.
    function whatIsOwedIsHeld() private view {
        uint256 accounts = uint32(uint256(vm.load(address(ledger), bytes32(uint256(5)))));
        equal(unitsOf(0, accounts), coin.balanceOf(address(ledger)));
        equal(unitsOf(1, accounts) * 1e9, address(ledger).balance);
        equal(unitsOf(2, accounts) * 1e9, fine.balanceOf(address(ledger)));
    }

    function unitsOf(uint256 asset, uint256 accounts) private view returns (uint256 sum) {
        for (uint256 tag = 100; tag < 102; tag++) {
            uint256 base = uint256(keccak256(abi.encode(asset, tag)));
            for (uint256 line = 0; line < 4; line++) {
                uint256 word = uint256(vm.load(address(ledger), bytes32(base + line)));
                for (uint256 id = 4 * line; word != 0; id++) {
                    uint256 one = uint64(word);
                    require(one == 0 || (one >= 2 ** 63 && id > 0 && id < accounts), "lane");
                    sum += one & 2 ** 63 - 1;
                    word >>= 64;
                }
            }
        }
    }

    /// The head is the one of the last settlement that ran.
    function theHeadMovesBySettlementsOnly() private view {
        require(crowd.heads(crowd.headsCount() - 1) == head(), "head");
    }

    function afterInvariant() external {
        require(crowd.settled() > 0, "nothing settled");
        emit log(string.concat("settled ", vm.toString(crowd.settled()), ", refused ", vm.toString(crowd.refused())));
    }
}
