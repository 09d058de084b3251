// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../src/Reader.sol";
import "./World.sol";

/// Stands at the address of a token while calls of the C ledger are run again: it holds what each line says is held.
contract ToldToken {
    uint256 public held;
    uint8 public decimals;
    address public party;
    uint256 public moved;

    function tell(uint256 held_, uint8 decimals_) external {
        held = held_;
        decimals = decimals_;
        party = address(0);
        moved = 0;
    }

    function balanceOf(address) external view returns (uint256) {
        return held;
    }

    function transferFrom(address from, address, uint256 amount) external returns (bool) {
        (party, moved) = (from, amount);
        held += amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        (party, moved) = (to, amount);
        return true;
    }
}

/// What the C ledger did, done again: each line of a file of calls (docs/protocol/ledger.md, "Vectors") must give the same
/// refusal with the same facts, or the same slots, no others, the same message and the same movement of tokens.
contract ReplayTest {
    IAnyLedger private ledger;
    bool private root; // mode
    string private line;
    mapping(bytes32 key => bytes32) private slots; // of the C ledger; a new one begins with others
    bytes32[] private written;
    mapping(bytes4 => string) private names;

    error Different(uint256 line, string what);

    function setUp() public {
        string[53] memory errors = [
            "WrongChain(uint256)",
            "Dead()",
            "Paused(uint40)",
            "Expired(uint40)",
            "Validity(uint40,uint40)",
            "Policy(uint32)",
            "Mode(uint8)",
            "Key()",
            "Entries(uint256)",
            "Lane(uint24,uint32)",
            "Cap(uint24,uint64)",
            "Unbalanced(uint24)",
            "Owner(uint32)",
            "AlreadyOpen(uint32)",
            "Full()",
            "Account(uint32)",
            "Asset(uint24)",
            "Exiting(uint32,uint40)",
            "Units()",
            "Held(uint24,uint256)",
            "Free(uint64)",
            "Recipient()",
            "ExitDelay(uint40)",
            "Nothing()",
            "Alarmed(uint40)",
            "NoAlarm()",
            "DeadDelay(uint40)",
            "Alive()",
            "Head()",
            "Leaf(uint32)",
            "Council(uint32)",
            "Signatures(uint256)",
            "Possession()",
            "KeyKnown(uint8)",
            "Term(uint40,uint40)",
            "Measurement(uint40)",
            "KeyPolicy(uint32)",
            "Tcb(uint8)",
            "Epoch(uint40)",
            "Revoked()",
            "Delay(uint40)",
            "Fence()",
            "Act()",
            "ActNumber(uint48)",
            "ActExpired(uint40)",
            "Cooldown(uint40)",
            "Notice(uint40)",
            "Pending(uint40)",
            "Version(uint32)",
            "Seats(uint8)",
            "NotLess()",
            "Token(address)",
            "Value(uint256)"
        ];
        for (uint256 i = 0; i < errors.length; i++) {
            bytes memory signature = bytes(errors[i]);
            uint256 n = 0;
            while (signature[n] != "(") n++;
            bytes memory name = new bytes(n);
            for (uint256 j = 0; j < n; j++) name[j] = signature[j];
            names[bytes4(keccak256(signature))] = string(name);
        }
    }

    function hexOf(string memory key) private view returns (bytes memory) {
        return vm.parseBytes(string.concat("0x", vm.parseJsonString(line, key)));
    }

    /// The file named by OPS, which may be of either mode; without one, the vectors that C keeps.
    function testEveryLineIsWhatCSays() public {
        run(vm.envOr("OPS", "../tests/vectors/ledger/ledger.jsonl"));
    }

    function testEveryLineOfModeRootIsWhatCSays() public {
        run(vm.envOr("OPS_ROOT", "../tests/vectors/ledger/root.jsonl"));
    }

    function run(string memory path) private {
        bool mine = false; // a ledger that lives on a chain; the others are embedded ones
        uint256 accepted = 0;
        uint256 refused = 0;
        for (uint256 number = 1;; number++) {
            line = vm.readLine(path);
            if (bytes(line).length == 0) break;
            if (vm.keyExistsJson(line, ".genesis")) {
                mine = !vm.parseJsonBool(line, ".config.embedded");
                if (mine) begin(number);
            } else if (mine) {
                bytes memory op = hexOf(".op");
                if (!has(op[1])) continue;
                if (replay(number, op)) accepted++;
                else refused++;
            }
        }
        emit log(string.concat("replayed: ", vm.toString(accepted), " accepted, ", vm.toString(refused), " refused"));
        require(accepted > 0 && refused > 0, "nothing was replayed");
    }

    /// What C refuses as the other mode's, the contract has no call for.
    function has(bytes1 kind) private view returns (bool) {
        bool mine = root ? kind != 0x03 && kind != 0x07 : kind != 0x08;
        bytes32 refusal = keccak256(bytes(vm.parseJsonString(line, ".refusal")));
        require(mine || refusal == keccak256("Mode") || refusal == keccak256("WrongChain"), "not refused by mode");
        return mine;
    }

    function begin(uint256 number) private {
        for (uint256 i = 0; i < written.length; i++) delete slots[written[i]];
        delete written;
        address place = address(bytes20(hexOf(".config.contract")));
        if (address(ledger) == place) {
            // The same address again: what the ledger before has written must go.
            for (uint256 i = 0; i < gone.length; i++) vm.store(place, gone[i], 0);
        }
        delete gone;
        vm.chainId(vm.parseJsonUint(line, ".config.chain"));
        vm.record();
        root = vm.parseJsonUint(line, ".config.mode") == 2;
        vm.etch(place, abi.encodePacked(codeOf(root ? 2 : 1), abi.encode(hexOf(".genesis"))));
        (bool ok, bytes memory code) = place.call("");
        if (!ok) revert Different(number, string.concat("constructor ", vm.toString(code)));
        vm.etch(place, code);
        ledger = IAnyLedger(place);
        if (separatorOf(ledger) != bytes32(hexOf(".config.separator"))) revert Different(number, "separator");
        compareSlots(number);
    }

    function separatorOf(ILedger l) private view returns (bytes32 separator) {
        (, separator,,,,,,) = l.parameters();
    }

    bytes32[] private gone;

    function compareSlots(uint256 number) private {
        for (uint256 i = 0;; i++) {
            string memory place = string.concat(".changed[", vm.toString(i), "]");
            if (!vm.keyExistsJson(line, place)) break;
            string[] memory pair = vm.parseJsonStringArray(line, place);
            bytes32 key = bytes32(vm.parseBytes(string.concat("0x", pair[0])));
            slots[key] = bytes32(vm.parseBytes(string.concat("0x", pair[1])));
            written.push(key);
            if (vm.load(address(ledger), key) != slots[key]) {
                revert Different(number, string.concat("slot ", pair[0], " has ", vm.toString(vm.load(address(ledger), key))));
            }
        }
        (, bytes32[] memory writes) = vm.accesses(address(ledger));
        for (uint256 i = 0; i < writes.length; i++) {
            gone.push(writes[i]);
            if (vm.load(address(ledger), writes[i]) != slots[writes[i]]) {
                revert Different(number, string.concat("a slot that C does not write: ", vm.toString(writes[i])));
            }
        }
    }

    function replay(uint256 number, bytes memory op) private returns (bool) {
        bytes memory data = callData(op);
        address token = tellToken(op);
        vm.warp(vm.parseJsonUint(line, ".env.time"));
        vm.chainId(vm.parseJsonUint(line, ".env.chain"));
        vm.record();
        vm.recordLogs();
        vm.prank(address(bytes20(hexOf(".env.sender"))));
        (bool ok, bytes memory out) = address(ledger).call(data);
        compareRefusal(number, ok, out);
        if (!ok) return false;
        compareSlots(number);
        compareMessage(number);
        compareTransfer(number, token);
        return true;
    }

    function compareRefusal(uint256 number, bool ok, bytes memory out) private view {
        string memory want = vm.parseJsonString(line, ".refusal");
        string memory got = ok ? "" : names[bytes4(out)];
        if (!ok && bytes(got).length == 0) got = vm.toString(out);
        if (keccak256(bytes(want)) != keccak256(bytes(got))) {
            revert Different(number, string.concat("refused '", got, "' and not '", want, "'"));
        }
        if (ok) return;
        uint256[] memory facts = vm.parseJsonUintArray(line, ".facts");
        for (uint256 i = 0; 4 + 32 * i < out.length; i++) {
            uint256 fact;
            assembly {
                fact := mload(add(add(out, 36), mul(32, i)))
            }
            if (fact != facts[i]) revert Different(number, string.concat(got, " with fact ", vm.toString(fact)));
        }
    }

    function compareMessage(uint256 number) private {
        bytes memory want = vm.keyExistsJson(line, ".message") ? hexOf(".message") : bytes("");
        bytes memory got;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].topics[0] == ILedger.Inbox.selector) got = abi.decode(logs[i].data, (bytes));
        }
        if (keccak256(want) != keccak256(got)) revert Different(number, string.concat("message ", vm.toString(got)));
    }

    function compareTransfer(uint256 number, address token) private view {
        string memory kind = vm.keyExistsJson(line, ".pull") ? ".pull" : ".pay";
        bool due = vm.keyExistsJson(line, kind);
        if (token == address(0) && !due) return;
        address party = due ? address(bytes20(hexOf(string.concat(kind, ".party")))) : address(0);
        uint256 units = due ? vm.parseUint(vm.parseJsonString(line, string.concat(kind, ".units"))) : 0;
        bool same = ToldToken(token).party() == party && ToldToken(token).moved() == units;
        if (!same) revert Different(number, "another movement of tokens");
    }

    /// The token of the asset that op names holds what the line says, in units: its decimals are the asset's scale.
    function tellToken(bytes memory op) private returns (address token) {
        uint8 kind = uint8(op[1]);
        if (kind != 4 && kind != 5 && kind != 7 && kind != 8) return address(0);
        Rd memory rd = Rd(op, kind == 8 ? 2 + 5 * 32 : 2, false);
        bytes32 record = vm.load(address(ledger), keccak256(abi.encode(rd.be(3), 19)));
        token = address(uint160(uint256(record)));
        if (token == address(0)) return token;
        if (token.code.length == 0) vm.etch(token, type(ToldToken).runtimeCode);
        ToldToken(token).tell(vm.parseUint(vm.parseJsonString(line, ".env.held")), uint8(uint256(record) >> 160));
    }

    /// From the bytes of a call (docs/protocol/ledger.md, "Calls") to those of the contract.
    function callData(bytes memory op) private view returns (bytes memory) {
        Rd memory rd = Rd(op, 1, false);
        uint8 kind = rd.u8();
        if (kind == 1) {
            bytes memory words = rest(rd, 5 * 32);
            return abi.encodePacked(ILedger.settle.selector, words, rest(rd, op.length - rd.pos));
        }
        if (kind == 2) return abi.encodeCall(ledger.open, (rd.addr()));
        if (kind == 3) return abi.encodeCall(ledger.openLane, (asset(rd), id(rd)));
        if (kind == 4) return abi.encodeCall(ledger.deposit, (asset(rd), id(rd), uint64(rd.be(8))));
        if (kind == 5) return abi.encodeCall(ledger.withdraw, (asset(rd), id(rd), uint64(rd.be(8)), rd.addr()));
        if (kind == 6) return abi.encodeCall(ledger.requestExit, (id(rd)));
        if (kind == 7) return abi.encodeCall(ledger.finalizeExit, (asset(rd), id(rd), rd.addr()));
        if (kind == 8) return rootExitCall(rd);
        if (kind == 9) return abi.encodeCall(ledger.alarm, ());
        if (kind == 10) return abi.encodeCall(ledger.declareDead, ());
        if (kind == 11) {
            bytes memory words = abi.encodePacked(ledger.register.selector, abi.encode(rd.addr()), rest(rd, 7 * 32));
            bytes memory signatures = rest(rd, 65 * uint256(rd.u8()));
            return abi.encodePacked(words, uint256(9 * 32), signatures.length, signatures, new bytes(31));
        }
        if (kind == 12) return abi.encodeCall(ledger.revokeKey, (rd.addr(), rd.word(), rd.word()));
        require(kind == 13, "another kind of call");
        return actCall(rd);
    }

    function rootExitCall(Rd memory rd) private view returns (bytes memory) {
        bytes memory last = rest(rd, 5 * 32);
        bytes memory where = abi.encode(asset(rd), id(rd));
        bytes memory holding = abi.encode(rd.be(12), rd.be(10), rd.be(10), rd.word());
        return abi.encodePacked(ledger.rootExit.selector, last, where, holding, rest(rd, 32 * 32));
    }

    function actCall(Rd memory rd) private view returns (bytes memory) {
        uint8 council = rd.u8();
        uint32 version = rd.u32();
        uint48 number = uint48(rd.be(6));
        uint40 notAfter = rd.u40();
        bytes memory signatures = rest(rd, 65 * uint256(rd.u8()));
        bytes memory body = rest(rd, rd.data.length - rd.pos);
        return abi.encodeCall(ledger.act, (council, version, number, notAfter, signatures, body));
    }

    function asset(Rd memory rd) private pure returns (AssetId) {
        return AssetId.wrap(uint24(rd.be(3)));
    }

    function id(Rd memory rd) private pure returns (AccountId) {
        return AccountId.wrap(rd.u32());
    }

    function rest(Rd memory rd, uint256 n) private pure returns (bytes memory out) {
        out = new bytes(n);
        for (uint256 i = 0; i < n; i++) out[i] = bytes1(rd.u8());
    }
}
