// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../src/ILedger.sol";
import "./Vm.sol";

/// All calls there are; a ledger has those of its mode.
interface IAnyLedger is INetLedger, IRootLedger {}

/// What creates a ledger: as it is deployed, or another build of it (coverage counts what it has built itself).
function codeOf(uint8 mode) view returns (bytes memory) {
    return vm.getCode(
        mode == 2
            ? vm.envOr("ROOT_LEDGER", "../build/contracts/out/RootLedger.sol/RootLedger.json")
            : vm.envOr("LEDGER", "../build/contracts/out/NetLedger.sol/NetLedger.json")
    );
}

/// A token as most are.
contract Coin {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint8 public decimals;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external virtual returns (bool) {
        return _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        allowance[from][msg.sender] -= amount;
        return _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) internal returns (bool) {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        return true;
    }
}

/// Its first contract has an address that follows from its own.
contract Factory {
    function next() external view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), hex"01")))));
    }

    function make(bytes memory code) external returns (address made) {
        assembly {
            made := create(0, add(code, 32), mload(code))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}

/// A ledger with actors who have keys, and calls made and signed in a line.
abstract contract World {
    struct Plan {
        uint8 embedded;
        uint8 mode;
        uint40 maxValidity;
        uint40 maxPause;
        uint40 exitDelay;
        uint40 notice;
        uint40 deadAfter;
        uint40 overlap;
        uint40 keyDelay;
        uint64 cap;
        uint8 k; // of the guardians
        uint32 policy;
        uint32 council;
        address token0;
    }

    struct Terms {
        uint40 epoch;
        uint32 policy;
        uint40 notBefore;
        uint40 notAfter;
        uint8 tcb;
        uint8 fence;
        uint32 council;
    }

    uint256 internal constant T0 = 1_700_000_000;
    bytes32 internal constant DOMAIN = sha256("domain");
    bytes32 internal constant MEASUREMENT = sha256("measurement 1");
    bytes32 internal constant INSTANCE = sha256("instance 1");
    bytes32 internal constant STATE_ROOT = sha256("state");
    bytes32 internal constant RECEIPTS = sha256("receipts");
    address internal constant ETHER = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
    AssetId internal constant COIN = AssetId.wrap(0);
    AssetId internal constant GWEI = AssetId.wrap(1);
    AssetId internal constant FINE = AssetId.wrap(2);

    IAnyLedger internal ledger;
    uint8 internal mode = 1; // of the ledger that `found` makes
    bytes32 internal stateRoot = STATE_ROOT; // that settlements carry
    Coin internal coin; // 6 decimals, unit 1
    Coin internal fine; // 18 decimals, unit 10^9
    uint48 internal acts;
    uint40 internal epochs;

    function actor(string memory what, uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(what, i)));
    }

    function owner(uint256 i) internal pure returns (address) {
        return vm.addr(actor("owner", i));
    }

    // ---- genesis ----

    function goodPlan() internal view returns (Plan memory) {
        return Plan({
            embedded: 0,
            mode: mode,
            maxValidity: 7200,
            maxPause: 86400,
            exitDelay: 172800,
            notice: 345600,
            deadAfter: 604800,
            overlap: 7200,
            keyDelay: 1800,
            cap: 86400,
            k: 2,
            policy: 1,
            council: 1,
            token0: address(0)
        });
    }

    function council(string memory what, uint8 k, uint8 n) internal pure returns (bytes memory out) {
        out = abi.encodePacked(k, uint8(k - 1), n);
        for (uint256 i = 0; i < n; i++) out = abi.encodePacked(out, vm.addr(actor(what, i)));
    }

    function councils(uint8 k) internal pure returns (bytes memory) {
        return abi.encodePacked(council("governor", 2, 3), council("guardian", k, 3), council("verifier", 3, 5));
    }

    function genesis(address at_, Plan memory p) internal view returns (bytes memory) {
        bytes memory fixed_ = abi.encodePacked(
            uint8(1), p.embedded, uint64(block.chainid), at_, DOMAIN, p.mode, p.maxValidity, p.maxPause, p.exitDelay, p.notice
        );
        fixed_ = abi.encodePacked(fixed_, p.deadAfter, p.overlap, p.keyDelay, uint40(T0), p.policy, sha256("policy 1"));
        fixed_ = abi.encodePacked(
            fixed_, uint256(3), uint16(1), MEASUREMENT, uint40(T0 + 300 days), p.council, councils(p.k), uint16(3)
        );
        address first = p.token0 == address(0) ? address(coin) : p.token0;
        return abi.encodePacked(fixed_, first, uint8(6), p.cap, ETHER, uint8(9), p.cap, address(fine), uint8(9), p.cap);
    }

    function ledgerCode() internal view returns (bytes memory) {
        return codeOf(mode);
    }

    function found(Plan memory p) internal returns (IAnyLedger) {
        if (address(coin) == address(0)) {
            vm.warp(T0);
            coin = new Coin(6);
            fine = new Coin(18);
        }
        Factory factory = new Factory();
        return IAnyLedger(
            factory.make(
                abi.encodePacked(ledgerCode(), abi.encode(genesis(factory.next(), p)))
            )
        );
    }

    /// A ledger with a key that may sign now, and accounts 1 to n with units of each asset.
    function start(uint256 n, uint64 units) internal {
        ledger = found(goodPlan());
        registerKey(1, INSTANCE, 1);
        for (uint256 i = 1; i <= n; i++) {
            ledger.open(owner(i));
            for (uint24 asset = 0; asset < 3 && units > 0; asset++) depositAs(AssetId.wrap(asset), i, units);
        }
        vm.warp(block.timestamp + 1800);
    }

    function depositAs(AssetId asset, uint256 i, uint64 units) internal {
        uint256 value = fund(asset, i, units);
        vm.prank(owner(i));
        ledger.deposit{value: value}(asset, AccountId.wrap(uint32(i)), units);
    }

    /// Gives an owner what a deposit takes; value is the ether to send with it.
    function fund(AssetId asset, uint256 i, uint64 units) internal returns (uint256 value) {
        if (AssetId.unwrap(asset) == 1) {
            value = uint256(units) * 1e9;
            vm.deal(owner(i), owner(i).balance + value);
        } else {
            Coin token = AssetId.unwrap(asset) == 0 ? coin : fine;
            token.mint(owner(i), address(token) == address(coin) ? units : uint256(units) * 1e9);
            vm.prank(owner(i));
            token.approve(address(ledger), type(uint256).max);
        }
    }

    // ---- signatures ----

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes32 r, bytes32 vs) {
        uint8 v;
        (v, r, vs) = vm.sign(key, digest);
        vs = bytes32(uint256(vs) | uint256(v - 27) << 255);
    }

    function typed(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separatorOf(ledger), structHash));
    }

    function signAll(string memory what, uint256 k, bytes32 digest) internal pure returns (bytes memory out) {
        for (uint8 i = 0; i < k; i++) {
            (bytes32 r, bytes32 vs) = sign(actor(what, i), digest);
            out = abi.encodePacked(out, i, r, vs);
        }
    }

    function separatorOf(ILedger l) internal view returns (bytes32 separator) {
        (, separator,,,,,,) = l.parameters();
    }

    function head() internal view returns (bytes32) {
        return vm.load(address(ledger), 0);
    }

    // ---- keys ----

    function goodTerms() internal view returns (Terms memory) {
        return Terms(epochs + 1, 1, uint40(block.timestamp), uint40(block.timestamp + 20 days), 0, 1, 1);
    }

    function pack(Terms memory t) internal pure returns (uint256) {
        return uint256(t.epoch) | uint256(t.policy) << 40 | uint256(t.notBefore) << 72 | uint256(t.notAfter) << 112
            | uint256(t.tcb) << 152 | uint256(t.fence) << 160 | uint256(77) << 168 | uint256(t.council) << 224;
    }

    function registerData(uint256 i, bytes32 instance, Terms memory t) internal view returns (bytes memory) {
        uint256 key = actor("key", i);
        bytes32 digest = typed(
            keccak256(
                abi.encode(
                    keccak256(
                        "Registration(bytes32 domain,address key,uint256 terms,bytes32 instance,bytes32 certificate,bytes32 measurement,bytes32 evidence)"
                    ),
                    DOMAIN,
                    vm.addr(key),
                    pack(t),
                    instance,
                    sha256("certificate"),
                    MEASUREMENT,
                    sha256("evidence")
                )
            )
        );
        (bytes32 r, bytes32 vs) = sign(key, typed(keccak256(abi.encode(keccak256("Possession(bytes32 registration)"), digest))));
        return abi.encodeCall(
            ledger.register,
            (
                vm.addr(key),
                pack(t),
                instance,
                sha256("certificate"),
                MEASUREMENT,
                sha256("evidence"),
                r,
                vs,
                signAll("verifier", 3, digest)
            )
        );
    }

    function registerKey(uint256 i, bytes32 instance, uint8 fence) internal {
        Terms memory t = goodTerms();
        t.fence = fence;
        epochs++;
        must(registerData(i, instance, t));
    }

    // ---- settlements ----

    function meta() internal view returns (uint256) {
        return metaOf(uint40(block.timestamp + 3600), uint40(block.timestamp), 1, mode);
    }

    function metaOf(uint40 validUntil, uint40 asOf, uint32 policy, uint8 mode_) internal pure returns (uint256) {
        return 0x1234 | uint256(validUntil) << 64 | uint256(asOf) << 104 | uint256(policy) << 144 | uint256(mode_) << 176;
    }

    function settleData(uint256 key, uint256 meta_, bytes memory body) internal view returns (bytes memory) {
        bytes32 digest = typed(
            keccak256(
                abi.encode(
                    keccak256("Settlement(uint256 meta,bytes32 prevHead,bytes32 stateRoot,bytes32 entries,bytes32 receipts)"),
                    meta_,
                    head(),
                    stateRoot,
                    keccak256(body),
                    RECEIPTS
                )
            )
        );
        (bytes32 r, bytes32 vs) = sign(actor("key", key), digest);
        return abi.encodePacked(ledger.settle.selector, meta_, stateRoot, RECEIPTS, r, vs, body);
    }

    function settle(bytes memory body) internal {
        must(settleData(1, meta(), body));
    }

    function section(uint8 kind, AssetId asset, uint16 cnt, bytes memory entries) internal pure returns (bytes memory) {
        return abi.encodePacked(kind, asset, cnt, entries);
    }

    function entry(uint256 id, int64 amount) internal pure returns (bytes memory) {
        return abi.encodePacked(uint32(id), amount);
    }

    /// One debit and one credit of the same units.
    function pair(AssetId asset, uint256 from, uint256 to, int64 units) internal pure returns (bytes memory) {
        return from < to
            ? section(0, asset, 2, abi.encodePacked(entry(from, -units), entry(to, units)))
            : section(0, asset, 2, abi.encodePacked(entry(to, units), entry(from, -units)));
    }

    /// Sets units of an account free for withdrawal.
    function release(AssetId asset, uint256 id, int64 units) internal view returns (bytes memory) {
        if (mode == 2) return section(1, asset, 1, entry(id, units));
        return abi.encodePacked(section(0, asset, 1, entry(id, -units)), section(1, asset, 1, entry(id, units)));
    }

    function lane(AssetId asset, uint256 id) internal view returns (uint256) {
        return slotLane(100, asset, id);
    }

    function freeLane(AssetId asset, uint256 id) internal view returns (uint256) {
        return slotLane(101, asset, id);
    }

    function slotLane(uint256 tag, AssetId asset, uint256 id) private view returns (uint256) {
        bytes32 slot = bytes32(uint256(keccak256(abi.encode(asset, tag))) + (id >> 2));
        return uint64(uint256(vm.load(address(ledger), slot)) >> 64 * (id & 3));
    }

    // ---- acts ----

    function actData(uint8 council_, bytes memory body) internal returns (bytes memory) {
        return actDataAt(council_, 1, ++acts, uint40(block.timestamp + 60), body);
    }

    function actDataAt(uint8 council_, uint32 version, uint48 number, uint40 notAfter, bytes memory body)
        internal
        view
        returns (bytes memory)
    {
        bytes32 digest = typed(
            keccak256(
                abi.encode(
                    keccak256("Act(uint8 council,uint32 version,uint48 number,uint40 notAfter,bytes32 body)"),
                    council_,
                    version,
                    number,
                    notAfter,
                    keccak256(body)
                )
            )
        );
        bytes memory signatures = signAll(council_ == 2 ? "guardian" : "governor", 2, digest);
        return abi.encodeCall(ledger.act, (council_, version, number, notAfter, signatures, body));
    }

    function govern(bytes memory body) internal {
        must(actData(1, body));
    }

    function guard(bytes memory body) internal {
        must(actData(2, body));
    }

    // ---- what must happen, and what must not ----

    function must(bytes memory data) internal {
        (bool ok, bytes memory out) = address(ledger).call(data);
        if (!ok) {
            assembly {
                revert(add(out, 32), mload(out))
            }
        }
    }

    function refuses(bytes memory data, bytes memory why) internal {
        (bool ok, bytes memory out) = address(ledger).call(data);
        same(ok, out, why);
    }

    function refusesFrom(address sender, bytes memory data, bytes memory why) internal {
        vm.prank(sender);
        (bool ok, bytes memory out) = address(ledger).call(data);
        same(ok, out, why);
    }

    function same(bool ok, bytes memory out, bytes memory why) internal pure {
        if (ok) revert("was not refused");
        if (keccak256(out) != keccak256(why)) revert(string.concat("refused ", vm.toString(out), ", not ", vm.toString(why)));
    }

    function equal(uint256 a, uint256 b) internal pure {
        if (a != b) revert(string.concat(vm.toString(a), " is not ", vm.toString(b)));
    }

    function no(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodePacked(selector);
    }

    function no(bytes4 selector, uint256 a) internal pure returns (bytes memory) {
        return abi.encodePacked(selector, a);
    }

    function no(bytes4 selector, uint256 a, uint256 b) internal pure returns (bytes memory) {
        return abi.encodePacked(selector, a, b);
    }
}
