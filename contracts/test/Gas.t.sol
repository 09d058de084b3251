// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

interface OzCoin {
    function mint(address, uint256) external;
    function approve(address, uint256) external;
    function transfer(address, uint256) external;
    function balanceOf(address) external view returns (uint256);
}

interface Disperser {
    function disperse(OzCoin, address[] calldata, uint256[] calldata) external;
}

/// What transactions cost, all in: each call below is a transaction of its own (forge's isolation), on storage as it is in
/// use, with 16 gas a non-zero and 4 a zero byte of calldata (EIP-2028) and the floor of EIP-7623. Account ids have 3 or 4 bytes
/// that are not zero; amounts are below 2^40, of 5 such bytes where they are credits and 8 where they are debits.
/// Depositors have allowed the ledger without a limit (a limit costs OpenZeppelin's token 2,900 more).
/// Writes build/contracts/gas.txt: a row's name, the gas of the transaction, what it is divided by.
contract GasTest is RootWorld {
    OzCoin private oz;
    string private rows;

    uint256 private constant BASE = 0x01021100; // first account id, a multiple of 4
    /// A slot of four open lanes, each with 2^42 units.
    uint256 private constant FULL = (2 ** 63 + 2 ** 42) * (1 + 2 ** 64 + 2 ** 128 + 2 ** 192);

    function setUp() public {
        oz = OzCoin(build("OzCoin"));
        start(1);
    }

    function start(uint8 mode_) private {
        mode = mode_;
        stateRoot = STATE_ROOT;
        Plan memory p = goodPlan();
        p.token0 = address(oz);
        p.cap = 2 ** 62;
        ledger = found(p);
        registerKey(1, INSTANCE, 1);
        ledger.open(address(0xbeef)); // the inbox has a message
        vm.warp(block.timestamp + 1800);
    }

    function build(string memory name) private returns (address) {
        return new Factory().make(vm.getCode(string.concat("../build/contracts/out/Peers.sol/", name, ".json")));
    }

    function row(string memory name, uint256 by) private {
        add(name, vm.lastCallGas().gasTotalUsed, by);
    }

    function add(string memory name, uint256 gas_, uint256 by) private {
        rows = string.concat(rows, name, " ", vm.toString(gas_), " ", vm.toString(by), "\n");
    }

    function testGas() public {
        settlements();
        releases();
        keys();
        money();
        others();
        root();
        vm.writeFile("../build/contracts/gas.txt", rows);
    }

    // ---- settlements ----

    /// n entries of a section, stride ids apart, half debits; their lanes are open and hold enough.
    function positions(AssetId asset, uint256 n, uint256 stride) private returns (bytes memory entries) {
        entries = new bytes(12 * n);
        uint256 base = uint256(keccak256(abi.encode(asset, 100)));
        int256 left = 0;
        for (uint256 i = 0; i < n; i++) {
            // 1 of 4, 2 of 4, or all lanes of a slot: stride 4, 2 and 1.
            uint256 id = BASE + i * stride;
            if (stride == 2) id = BASE + i / 2 * 4 + i % 2;
            vm.store(address(ledger), bytes32(base + (id >> 2)), bytes32(FULL));
            int256 amount = int256(uint256(keccak256(abi.encode(asset, i)))) & 0xffffffffff | 0x0101010101;
            amount = i % 2 == 0 ? -amount : -left;
            left = i % 2 == 0 ? amount : int256(0);
            if (i + 1 == n && n % 2 == 1) revert("an even number of positions adds up to 0");
            uint256 x = id << 224 | uint256(uint64(int64(amount))) << 160;
            assembly {
                mstore(add(add(entries, 32), mul(12, i)), x)
            }
        }
    }

    function body(uint256 assets, uint256 n, uint256 stride) private returns (bytes memory out) {
        for (uint24 a = 0; a < assets; a++) {
            bytes memory entries = positions(AssetId.wrap(a), n, stride);
            out = abi.encodePacked(out, section(0, AssetId.wrap(a), uint16(n), entries));
        }
    }

    function measure(string memory name, uint256 assets, uint256 n, uint256 stride) private {
        bytes memory data = settleData(1, meta(), body(assets, n, stride));
        must(data);
        row(name, assets * n);
    }

    function settlements() private {
        must(settleData(1, meta(), ""));
        row("settle-empty", 1);
        measure("settle-100-dense", 1, 100, 1);
        measure("settle-100-two", 1, 100, 2);
        measure("settle-100-sparse", 1, 100, 4);
        measure("settle-500-dense", 1, 500, 1);
        measure("settle-500-sparse", 1, 500, 4);
        measure("settle-5x20-dense", 5, 20, 1);
        measure("settle-15x10-sparse", 15, 10, 4);
        measure("settle-3x500-sparse", 3, 500, 4);
        bytes memory data = abi.encodePacked(body(2, 834, 4), section(0, AssetId.wrap(2), 832, positions(AssetId.wrap(2), 832, 4)));
        must(settleData(1, meta(), data));
        row("settle-2500-sparse", 2500);
        measure("position-2-sparse", 1, 2, 4);
        measure("position-10-sparse", 1, 10, 4);
        measure("position-1000-sparse", 1, 1000, 4);
        measure("position-2-dense", 1, 2, 1);
        measure("position-10-dense", 1, 10, 1);
        measure("position-1000-dense", 1, 1000, 1);
    }

    /// 50 accounts are paid out of their lanes into free lanes that they have used before.
    function releases() private {
        uint256 n = 50;
        bytes memory debits = new bytes(12 * n);
        bytes memory credits = new bytes(12 * n);
        for (uint256 i = 0; i < n; i++) {
            uint256 id = BASE + 4 * i;
            for (uint256 tag = 100; tag < 102; tag++) {
                bytes32 slot = bytes32(uint256(keccak256(abi.encode(0, tag))) + (id >> 2));
                vm.store(address(ledger), slot, bytes32(FULL));
            }
            int256 units = int256(uint256(keccak256(abi.encode(i)))) & 0xffffffffff | 0x0101010101;
            uint256 debit = id << 224 | uint256(uint64(int64(-units))) << 160;
            uint256 credit = id << 224 | uint256(units) << 160;
            assembly {
                mstore(add(add(debits, 32), mul(12, i)), debit)
                mstore(add(add(credits, 32), mul(12, i)), credit)
            }
        }
        must(
            settleData(
                1, meta(), abi.encodePacked(section(0, COIN, uint16(n), debits), section(1, COIN, uint16(n), credits))
            )
        );
        row("release-50", n);
    }

    // ---- the other calls ----

    function keys() private {
        bytes memory data = registerData(2, INSTANCE, plainTerms());
        epochs++;
        must(data);
        row("register-plain", 1);
        data = registerData(3, sha256("instance 2"), goodTerms());
        epochs++;
        must(data);
        row("register-fencing", 1);
        vm.warp(block.timestamp + 1800);
    }

    function plainTerms() private view returns (Terms memory t) {
        t = goodTerms();
        t.fence = 0;
    }

    /// An account of its own slots, whose free and main lanes are open in a slot that others use, too.
    function money() private {
        address who = owner(1);
        ledger.open(who);
        row("open", 1);
        uint64 units = 0x0102030405;
        uint256 counters = uint256(vm.load(address(ledger), bytes32(uint256(5))));
        vm.store(address(ledger), bytes32(uint256(5)), bytes32(counters & ~uint256(type(uint32).max) | BASE + 4000));
        // Later accounts have larger ids; this one stands for them.
        who = owner(2);
        AccountId id = ledger.open(who);
        oz.mint(who, 1e15);
        oz.mint(address(ledger), 1e15);
        vm.prank(who);
        oz.approve(address(ledger), type(uint256).max);
        bytes memory pay = abi.encodeCall(ledger.deposit, (COIN, id, units));
        call(who, pay);
        row("deposit-first", 1);
        call(who, pay);
        row("deposit-again", 1);
        bytes32 slot = bytes32(uint256(keccak256(abi.encode(0, 101))) + (AccountId.unwrap(id) >> 2));
        vm.store(address(ledger), slot, bytes32(FULL));
        call(who, abi.encodeCall(ledger.withdraw, (COIN, id, units, who)));
        row("withdraw-old", 1);
        call(who, abi.encodeCall(ledger.withdraw, (COIN, id, units, owner(77))));
        row("withdraw-new", 1);
        vm.store(address(ledger), slot, 0); // nothing was released: what leaves is what the lane holds
        uint256 both = gasOf(who, abi.encodeCall(ledger.requestExit, (id)));
        vm.warp(block.timestamp + 172800);
        both += gasOf(address(this), abi.encodeCall(ledger.finalizeExit, (COIN, id, address(0))));
        add("exit-both", both, 1);
    }

    function call(address who, bytes memory data) private {
        vm.prank(who);
        must(data);
    }

    function gasOf(address who, bytes memory data) private returns (uint256) {
        call(who, data);
        return vm.lastCallGas().gasTotalUsed;
    }

    // ---- what others cost, in the same run ----

    function others() private {
        Disperser disperser = Disperser(build("Disperser"));
        oz.mint(address(this), 1e15);
        oz.approve(address(disperser), type(uint256).max);
        oz.mint(address(disperser), 1);
        oz.mint(owner(3), 1);
        oz.transfer(owner(3), 0x0102030405);
        row("transfer-single", 1);
        uint256[4] memory sizes = [uint256(1), 10, 100, 1000];
        for (uint256 k = 0; k < 4; k++) {
            uint256 n = sizes[k];
            address[] memory to = new address[](n);
            uint256[] memory amounts = new uint256[](n);
            for (uint256 i = 0; i < n; i++) {
                to[i] = address(uint160(uint256(keccak256(abi.encode("to", i)))));
                amounts[i] = uint256(keccak256(abi.encode(i))) & 0xffffffffff | 0x0101010101;
                if (oz.balanceOf(to[i]) == 0) oz.mint(to[i], 1);
            }
            disperser.disperse(oz, to, amounts);
            row(string.concat("disperse-", vm.toString(n)), n);
        }
    }

    // ---- mode root ----

    function root() private {
        start(2);
        must(settleData(1, meta(), ""));
        row("root-empty", 1);
        published("root-1-deltas", 1, 1, 8);
        published("root-10-deltas", 1, 10, 8);
        published("root-100-deltas", 1, 100, 8);
        published("root-1000-deltas", 1, 1000, 8);
        published("root-1000-digests", 2, 1000, 32);
        published("root-1000-digests-20", 2, 1000, 20);
        rootReleases();
        pool();
    }

    /// n pieces of data whose bytes are not zero.
    function published(string memory name, uint8 da, uint256 n, uint256 size) private {
        bytes memory what = new bytes(n * size);
        for (uint256 i = 0; i < what.length; i++) what[i] = bytes1(uint8(1 + i % 255));
        must(settleData(1, meta(), data(da, what)));
        row(name, n);
    }

    /// As of mode net, without the debits.
    function rootReleases() private {
        uint256 n = 50;
        bytes memory credits;
        for (uint256 i = 0; i < n; i++) {
            uint256 id = BASE + 4 * i;
            vm.store(address(ledger), bytes32(uint256(keccak256(abi.encode(0, 101))) + (id >> 2)), bytes32(FULL));
            uint256 units = uint256(keccak256(abi.encode(i))) & 0xffffffffff | 0x0101010101;
            credits = abi.encodePacked(credits, entry(id, int64(uint64(units))));
        }
        must(settleData(1, meta(), section(1, COIN, uint16(n), credits)));
        row("root-release-50", n);
    }

    /// An account whose leaf has neighbours at every height.
    function pool() private {
        uint256 counters = uint256(vm.load(address(ledger), bytes32(uint256(5))));
        vm.store(address(ledger), bytes32(uint256(5)), bytes32(counters & ~uint256(type(uint32).max) | BASE));
        vm.store(address(ledger), bytes32(uint256(8)), bytes32(BASE));
        address who = owner(2);
        AccountId id = ledger.open(who);
        oz.mint(who, 1e15);
        oz.mint(address(ledger), 1e15);
        vm.prank(who);
        oz.approve(address(ledger), type(uint256).max);
        uint64 units = 0x0102030405;
        bytes memory pay = abi.encodeCall(ledger.deposit, (COIN, id, units));
        call(who, pay);
        row("root-deposit-first", 1);
        call(who, pay);
        row("root-deposit-again", 1);
        Holding memory h = Holding(uint96(units) * 3, units, 0x0101010101, sha256("salt"));
        for (uint256 height = 0; height < 32; height++) putLeaf(BASE ^ 1 << height, keccak256(abi.encode(height)));
        put(COIN, AccountId.unwrap(id), h);
        settleRoot("");
        die();
        call(who, exitData(COIN, AccountId.unwrap(id), h));
        row("root-exit", 1);
    }
}
