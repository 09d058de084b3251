// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

/// Everybody who uses a ledger in mode root, at random, beside an enclave that keeps its book honestly, until somebody declares
/// the ledger dead; then everybody leaves by paths, and some try to leave with more.
contract RootCrowd is RootWorld {
    uint256 public constant PEOPLE = 6;
    uint256 private key = 1;
    bytes private replayed; // the settlement before
    bytes private stale; // a claim that was good under a head before the last one
    uint256 public settled;
    uint256 public refused;
    uint256 public left;
    bool public dead;
    mapping(uint256 asset => mapping(uint256 id => Holding)) private book; // as of the last settlement

    constructor() {
        start(4, 1000);
    }

    function theLedger() external view returns (address) {
        return address(ledger);
    }

    function theCoins() external view returns (address, address) {
        return (address(coin), address(fine));
    }

    /// What the book owes of an asset beyond what was deposited, by account.
    function bookOf(uint256 asset) external view returns (int256[PEOPLE + 1] memory owes) {
        for (uint256 id = 1; id <= PEOPLE; id++) {
            Holding storage h = book[asset][id];
            owes[id] = int256(uint256(h.balance)) - int256(uint256(h.creditedIn));
        }
    }

    function pick(uint256 x) private pure returns (uint256) {
        return 1 + x % PEOPLE;
    }

    function pickAsset(uint256 x) private pure returns (AssetId) {
        return AssetId.wrap(uint24(x % 3));
    }

    function attempt(address who, bytes memory data_) private returns (bool ok) {
        vm.prank(who);
        (ok,) = address(ledger).call(data_);
        if (!ok) refused++;
    }

    // ---- money in and out ----

    function open(uint256 i) external {
        attempt(address(this), abi.encodeCall(ledger.open, (owner(pick(i)))));
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

    function withdraw(uint256 asset, uint256 i, uint256 units) external {
        uint256 who = pick(i);
        uint64 most = uint64(freeLane(pickAsset(asset), who) & 2 ** 63 - 1);
        bytes memory data_ =
            abi.encodeCall(ledger.withdraw, (pickAsset(asset), AccountId.wrap(uint32(who)), uint64(units % (most + 2)), owner(who)));
        attempt(owner(who), data_);
    }

    function requestExit(uint256 i) external {
        if (i % 4 == 0) attempt(owner(pick(i)), abi.encodeCall(ledger.requestExit, (AccountId.wrap(uint32(pick(i))))));
    }

    // ---- the enclave ----

    /// All that was deposited is the account's.
    function creditDeposits(uint256 asset, uint256 i) external {
        Holding memory h = book[asset % 3][pick(i)];
        uint80 deposited = uint80(record(pickAsset(asset), pick(i)));
        h.balance += deposited - h.creditedIn;
        h.creditedIn = deposited;
        change(asset % 3, pick(i), h, "");
    }

    function transfer(uint256 asset, uint256 a, uint256 b, uint256 units, bytes32 salt) external {
        (uint256 from, uint256 to) = (pick(a), pick(b));
        asset %= 3;
        if (from == to || position(AssetId.wrap(uint24(asset)), to) == 0) return;
        Holding memory h = book[asset][from];
        Holding memory g = book[asset][to];
        Holding memory before = book[asset][from];
        uint96 moved = uint96(units % (uint256(h.balance) + 1));
        (h.balance, h.salt) = (h.balance - moved, salt);
        (g.balance, g.salt) = (g.balance + moved, salt);
        if (moved == 0) return;
        putLeaf(position(AssetId.wrap(uint24(asset)), from), leafOf(AssetId.wrap(uint24(asset)), from, h));
        book[asset][from] = h;
        if (!change(asset, to, g, data(1, abi.encode(from, to, moved)))) {
            book[asset][from] = before;
            put(AssetId.wrap(uint24(asset)), from, before);
        }
    }

    function letOut(uint256 asset, uint256 i, uint256 units, bool exit) external {
        uint256 id = pick(i);
        Holding memory h = book[asset % 3][id];
        uint96 out = exit ? h.balance : uint96(units % (uint256(h.balance) + 1));
        h.balance -= out;
        h.released += uint80(out);
        int64 amount = int64(uint64(out));
        change(asset % 3, id, h, exit ? exitRelease(pickAsset(asset), id, amount) : release(pickAsset(asset), id, amount));
    }

    /// Settles with another leaf for one account; takes it back where that is refused.
    function change(uint256 asset, uint256 id, Holding memory h, bytes memory body) private returns (bool ran) {
        AssetId a = AssetId.wrap(uint24(asset));
        if (dead || position(a, id) == 0) return false;
        Holding memory before = book[asset][id];
        bytes memory claim = settled % 16 == 1 ? exitData(a, id, before) : stale;
        Settlement memory shown = Settlement(meta(), head(), 0, keccak256(body), RECEIPTS);
        put(a, id, h);
        bytes memory data_ = settleData(key, meta(), body);
        shown.stateRoot = stateRoot;
        ran = attempt(address(this), data_);
        if (!ran) {
            put(a, id, before);
            return false;
        }
        book[asset][id] = h;
        stale = claim;
        last = shown;
        replayed = data_;
        settled++;
    }

    /// What only mode net has, signed all the same.
    function settleAsNet(uint256 a, uint256 b, uint256 asset, int64 units) external {
        if (dead) return;
        bytes memory body = pair(pickAsset(asset), pick(a), PEOPLE + pick(b), units % 600);
        require(!attempt(address(this), settleData(key, meta(), body)), "positions ran");
    }

    function replay() external {
        if (replayed.length != 0) require(!attempt(address(0xbad), replayed), "a settlement ran twice");
    }

    function wait_(uint256 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 40000);
        if (!dead && block.timestamp > T0 + 15 days * uint256(epochs)) registerKey(++key, INSTANCE, 0); // renewed in time
    }

    // ---- the end ----

    function end(uint256 x) external {
        if (dead || x % 6 != 0 || settled < 15) return;
        die();
        dead = true;
    }

    function leaveBy(uint256 asset, uint256 i) external {
        AssetId a = pickAsset(asset);
        uint256 id = pick(i);
        bool may = dead && position(a, id) != 0 && record(a, id) >> 128 == 0;
        require(attempt(address(this), exitData(a, id, book[asset % 3][id])) == may, "left, or could not");
        if (may) left++;
    }

    /// With more, as another, in another asset, by an older head, or at another place.
    function leaveWrongly(uint256 asset, uint256 i, uint256 how, uint96 more) external {
        AssetId a = pickAsset(asset);
        uint256 id = pick(i);
        Holding memory h = book[asset % 3][id];
        bytes memory data_ = stale;
        if (how % 5 == 0) {
            h.balance += 1 + more / 2;
            data_ = exitData(a, id, h);
        } else if (how % 5 == 1) {
            if (h.creditedIn == 0) return;
            h.creditedIn--;
            data_ = exitData(a, id, h);
        } else if (how % 5 == 2) {
            if (h.balance == 0) return;
            data_ = exitData(last, a, id % PEOPLE + 1, h, pathOf(position(a, id)));
        } else if (how % 5 == 3) {
            if (h.balance == 0) return;
            data_ = exitData(last, AssetId.wrap(uint24((asset % 3 + 1) % 3)), id, h, pathOf(position(a, id)));
        }
        if (data_.length != 0) require(!attempt(owner(id), data_), "left with what is not there");
    }
}

/// What holds after every call.
contract RootInvariantTest is RootWorld {
    RootCrowd private crowd;

    function setUp() public {
        crowd = new RootCrowd();
        ledger = IAnyLedger(crowd.theLedger());
        (address a, address b) = crowd.theCoins();
        (coin, fine) = (Coin(a), Coin(b));
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    /// forge-config: test.invariant.depth = 256
    function invariantHolds() external view {
        uint256[3] memory held = [coin.balanceOf(address(ledger)), address(ledger).balance / 1e9, fine.balanceOf(address(ledger)) / 1e9];
        uint256 given = 1; // position 0 is nobody's
        for (uint256 asset = 0; asset < 3; asset++) {
            uint256 sum;
            (sum, given) = owed(asset, given);
            equal(sum, held[asset]);
        }
        equal(given, 2 ** uint256(vm.load(address(ledger), bytes32(uint256(8)))) - 1);
    }

    /// To the unit: what the book has, what was not credited yet, and what is free; nothing of who has left but the last.
    /// Positions are given once, one after the other.
    function owed(uint256 asset, uint256 given) private view returns (uint256 sum, uint256) {
        uint256 records = uint256(recordSlot(AssetId.wrap(uint24(asset)), 0));
        int256[7] memory book = crowd.bookOf(asset);
        for (uint256 id = 1; id < book.length; id++) {
            uint256 word = uint256(vm.load(address(ledger), bytes32(records + id)));
            if (word >> 128 == 0) sum += uint256(int256(uint256(uint96(word))) + book[id]);
            uint256 bit = 1 << uint32(word >> 96);
            require(uint96(word) == 0 ? bit == 1 : given & bit == 0, "position");
            given |= bit;
        }
        uint256 base = uint256(keccak256(abi.encode(asset, 101)));
        for (uint256 line = 0; line < 2; line++) {
            for (uint256 lanes = uint256(vm.load(address(ledger), bytes32(base + line))); lanes != 0; lanes >>= 64) {
                sum += lanes & 2 ** 63 - 1;
            }
        }
        return (sum, given);
    }

    function afterInvariant() external {
        emit log(
            string.concat(
                "settled ", vm.toString(crowd.settled()), ", left ", vm.toString(crowd.left()), ", refused ", vm.toString(crowd.refused())
            )
        );
    }
}
