// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

/// The constructor, keys, and the acts of governors and guardians.
contract GovernTest is World {
    function setUp() public {
        start(2, 1000);
    }

    // ---- the constructor ----

    function refusesPlan(Plan memory p, string memory item) private {
        Factory factory = new Factory();
        refusesGenesis(factory, genesis(factory.next(), p), item);
    }

    function refusesGenesis(Factory factory, bytes memory bytes_, string memory item) private {
        bytes memory code = ledgerCode();
        (bool ok, bytes memory out) =
            address(factory).call(abi.encodeCall(factory.make, (abi.encodePacked(code, abi.encode(bytes_)))));
        same(ok, out, abi.encodeWithSelector(Genesis.selector, item));
    }

    function testTimesThatDoNotFitTogether() public {
        Plan memory p = goodPlan(); // exit delay, notice and dead-after as short as they may be
        p.exitDelay = p.maxPause + 4 * p.maxValidity;
        p.notice = p.exitDelay + p.maxPause;
        p.deadAfter = p.exitDelay + 2 * p.maxPause + 4 * p.maxValidity;
        p.keyDelay = p.maxValidity / 2 - 1;
        found(p);
        p.keyDelay++;
        refusesPlan(p, "key_delay");
        p.keyDelay = 0;
        p.deadAfter--;
        refusesPlan(p, "dead_after");
        p.deadAfter++;
        p.notice--;
        refusesPlan(p, "notice");
        p.notice++;
        p.exitDelay--;
        refusesPlan(p, "exit_delay");
        p = goodPlan();
        p.overlap++;
        refusesPlan(p, "overlap");
        p = goodPlan();
        p.maxValidity = p.overlap = 0;
        refusesPlan(p, "max_validity");
        p = goodPlan();
        p.deadAfter = 2 ** 32;
        refusesPlan(p, "parameters");
    }

    function testGenesisThatIsNone() public {
        Plan memory p = goodPlan();
        p.embedded = 1;
        refusesPlan(p, "embedded");
        p = goodPlan();
        p.mode = 3 - mode;
        refusesPlan(p, "mode");
        p = goodPlan();
        p.policy = 0;
        refusesPlan(p, "policy");
        p = goodPlan();
        p.council = 0;
        refusesPlan(p, "councils");
        p = goodPlan();
        p.k = 4; // of 3
        refusesPlan(p, "councils");
        Factory factory = new Factory();
        refusesGenesis(factory, genesis(address(this), goodPlan()), "contract");
        bytes memory good = genesis(factory.next(), goodPlan());
        vm.chainId(1);
        refusesGenesis(factory, good, "chain_id");
        vm.chainId(31337);
        good[0] = 0x02;
        refusesGenesis(factory, good, "version");
        good[0] = 0x01;
        refusesGenesis(factory, abi.encodePacked(good, uint8(0)), "length");
        uint256 at_ = 0; // of the time at which the measurement ends
        for (bytes32 word; word != MEASUREMENT; at_++) {
            assembly {
                word := mload(add(add(good, 32), at_))
            }
        }
        good[at_ + 31] = 0x80;
        refusesGenesis(factory, good, "measurements");
    }

    /// Cut anywhere, genesis founds nothing.
    function testGenesisCutShort(uint256 n) public {
        Factory factory = new Factory();
        bytes memory good = genesis(factory.next(), goodPlan());
        n %= good.length;
        assembly {
            mstore(good, n)
        }
        bytes memory code = ledgerCode();
        (bool ok, bytes memory out) =
            address(factory).call(abi.encodeCall(factory.make, (abi.encodePacked(code, abi.encode(good)))));
        require(!ok && bytes4(out) == Genesis.selector, "founded");
    }

    function testParametersAreThoseOfGenesis() public view {
        (bytes32 domain,, uint256 v, uint256 pause, uint256 exit, uint256 notice, uint256 dead, uint256 delay) = ledger.parameters();
        require(domain == DOMAIN, "domain");
        equal(v, 7200);
        equal(pause, 86400);
        equal(exit, 172800);
        equal(notice, 345600);
        equal(dead, 604800);
        equal(delay, 1800);
    }

    // ---- registration ----

    function refusesTerms(Terms memory t, bytes memory why) private {
        refuses(registerData(2, INSTANCE, t), why);
    }

    function testTerms() public {
        Terms memory t = goodTerms();
        t.notAfter = t.notBefore + 30 days + 1;
        refusesTerms(t, no(Term.selector, t.notBefore, t.notAfter));
        t = goodTerms();
        t.policy = 2;
        refusesTerms(t, no(Policy.selector, 2));
        t = goodTerms();
        t.tcb = 2;
        refusesTerms(t, no(Tcb.selector, 2));
        t = goodTerms();
        t.epoch = 1;
        refusesTerms(t, no(Epoch.selector, 1));
        t.epoch = type(uint40).max;
        refusesTerms(t, no(Epoch.selector, 1));
        t = goodTerms();
        t.notAfter = uint40(block.timestamp + 1800);
        refusesTerms(t, no(Delay.selector, block.timestamp + 1800));
        t = goodTerms();
        t.fence = 2;
        refusesTerms(t, no(Fence.selector));
        t.fence = 0;
        refuses(registerData(2, sha256("instance 2"), t), no(Fence.selector));
        t.council = 2;
        refusesTerms(t, no(Council.selector, 2));
        vm.warp(T0 + 290 days);
        t = goodTerms();
        refusesTerms(t, no(Measurement.selector, T0 + 300 days));
    }

    function testAPauseDoesNotStopRegistration() public {
        guard(abi.encodePacked(uint8(2)));
        registerKey(2, INSTANCE, 0);
    }

    function testRegisteredOnce() public {
        bytes memory data = registerData(2, INSTANCE, goodTerms());
        must(data);
        refuses(data, no(KeyKnown.selector, 1));
    }

    /// Any bit of the key, its terms, or of a signature.
    function testAnyBitOfARegistrationChangedIsRefused(uint256 bit) public {
        bytes memory data = registerData(2, INSTANCE, goodTerms());
        uint256 n = 8 * (data.length - 29 - 4); // without the padding
        bit = 32 + bit % n;
        data[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        (bool ok,) = address(ledger).call(data);
        uint256 word = (bit / 8 - 4) / 32;
        require(!ok || word == 8 || word == 9, "registered"); // where signatures stand, and how long they are
        if (ok) revert("another place of the signatures");
    }

    // ---- revocation ----

    /// The signatures for an enclave's next key may exist already: what is revoked is the instance, not a key.
    function testARevokedInstanceRegistersNoKeyAnyMore() public {
        bytes memory next = registerData(2, INSTANCE, goodTerms());
        Terms memory t = goodTerms();
        t.epoch++;
        bytes memory later = registerData(3, INSTANCE, t);
        guard(abi.encodePacked(uint8(1), INSTANCE));
        refuses(settleData(1, meta(), ""), no(Key.selector));
        refuses(next, no(Epoch.selector, 2)); // all epochs so far end
        refuses(later, no(Revoked.selector));
        refuses(actData(2, abi.encodePacked(uint8(1), INSTANCE)), no(Revoked.selector));
        guard(abi.encodePacked(uint8(1), sha256("instance 9"))); // never seen
        refuses(registerData(4, sha256("instance 9"), t), no(Revoked.selector));
        epochs++;
        registerKey(5, sha256("instance 2"), 1);
        vm.warp(block.timestamp + 1800);
        must(settleData(5, meta(), ""));
    }

    function testAKeyEndsItself() public {
        for (uint256 i = 1; i <= 2; i++) {
            (bytes32 r, bytes32 vs) = sign(
                actor("key", i), typed(keccak256(abi.encode(keccak256("RevokeKey(address key)"), vm.addr(actor("key", i)))))
            );
            address key = vm.addr(actor("key", i));
            refuses(abi.encodeCall(ledger.revokeKey, (key, r, vs ^ bytes32(uint256(1)))), no(Possession.selector));
            refuses(abi.encodeCall(ledger.revokeKey, (owner(1), r, vs)), no(Possession.selector));
            ledger.revokeKey(key, r, vs);
            refuses(abi.encodeCall(ledger.revokeKey, (key, r, vs)), no(KeyKnown.selector, 2));
        }
        refuses(settleData(1, meta(), ""), no(Key.selector));
        refuses(registerData(2, INSTANCE, goodTerms()), no(KeyKnown.selector, 2)); // before it was registered
    }

    /// A signature that recovers nobody must not be the zero address's.
    function testTheZeroAddressIsNobody() public {
        refuses(abi.encodeCall(ledger.revokeKey, (address(0), bytes32(0), bytes32(0))), no(Possession.selector));
    }

    // ---- acts ----

    function testActs() public {
        bytes memory pause = abi.encodePacked(uint8(2));
        bytes memory cap = abi.encodePacked(uint8(34), COIN, uint64(5));
        uint40 soon = uint40(block.timestamp + 60);
        refuses(actDataAt(1, 1, 1, soon, pause), no(Act.selector)); // the other council's
        refuses(actDataAt(2, 1, 1, soon, cap), no(Act.selector));
        refuses(actDataAt(3, 1, 1, soon, cap), no(Act.selector));
        refuses(actDataAt(1, 2, 1, soon, cap), no(Council.selector, 2));
        refuses(actDataAt(1, 1, 0, soon, cap), no(ActNumber.selector, 0));
        refuses(actDataAt(1, 1, 1, soon - 61, cap), no(ActExpired.selector, soon - 61));
        refuses(actDataAt(1, 1, 1, soon, abi.encodePacked(cap, uint8(0))), no(Act.selector));
        refuses(actDataAt(1, 1, 1, soon, abi.encodePacked(uint8(34), COIN, uint32(5))), no(Act.selector));
        refuses(actDataAt(1, 1, 1, soon, abi.encodePacked(uint8(99))), no(Act.selector));
        refuses(actDataAt(1, 1, 1, soon, ""), no(Act.selector));
        must(actDataAt(1, 1, 7, soon, cap));
        refuses(actDataAt(1, 1, 7, soon, cap), no(ActNumber.selector, 7)); // twice
        refuses(actDataAt(1, 1, 8, soon, cap), no(NotLess.selector));
        must(actDataAt(2, 1, 1, soon, pause)); // a count of its own
    }

    function testAnyBitOfAnActChangedIsRefused(uint256 bit) public {
        bytes memory data = actData(1, abi.encodePacked(uint8(34), COIN, uint64(5)));
        // The values of the four first words, the signatures, and the body; not where they stand, nor padding.
        uint256 at_ = bit % (4 * 32 + 130 + 12);
        at_ = at_ < 128 ? at_ : at_ < 258 ? at_ - 128 + 192 + 32 : at_ - 258 + 192 + 32 + 160 + 32;
        data[4 + at_] ^= bytes1(uint8(1 << bit / 300 % 8));
        (bool ok,) = address(ledger).call(data);
        require(!ok, "ran");
    }

    function testSignaturesOfACouncil() public {
        bytes memory body = abi.encodePacked(uint8(34), COIN, uint64(5));
        bytes memory data = actDataAt(1, 1, 1, uint40(block.timestamp), body);
        bytes memory bad = bytes.concat(data);
        bad[4 + 192 + 32] = 0x01; // seat 1 twice
        refuses(bad, no(Signatures.selector, 0));
        bad = bytes.concat(data);
        bad[4 + 192 + 32 + 65] = 0x00; // seat 0 twice
        refuses(bad, no(Signatures.selector, 1));
        bad[4 + 192 + 32 + 65] = 0x03; // no such seat
        refuses(bad, no(Signatures.selector, 1));
        bad = bytes.concat(data);
        bad[4 + 192 + 31] = 0x41; // one of two
        refuses(bad, no(Signatures.selector, 1));
        must(data);
    }

    function testCouncilsChangeByTimeAlone() public {
        uint40 from = uint40(block.timestamp + 345600);
        bytes memory new_ = abi.encodePacked(council("governor two", 2, 2), council("guardian", 2, 3), council("verifier", 3, 5));
        bytes memory body = abi.encodePacked(uint8(18), uint32(2), from, new_);
        refuses(actData(1, abi.encodePacked(uint8(18), uint32(2), from - 1, new_)), no(Notice.selector, from));
        refuses(actData(1, abi.encodePacked(uint8(18), uint32(1), from, new_)), no(Version.selector, 1));
        bytes memory bad =
            abi.encodePacked(council("governor two", 2, 2), council("guardian", 4, 3), council("verifier", 3, 5));
        refuses(actData(1, abi.encodePacked(uint8(18), uint32(2), from, bad)), no(Seats.selector, 2));
        must(actData(1, body));
        bytes memory cap = abi.encodePacked(uint8(34), COIN, uint64(50));
        vm.warp(from - 1);
        refuses(actDataAt(1, 2, ++acts, from, cap), no(Council.selector, 2));
        must(actData(1, cap));
        bytes memory old = registerData(2, INSTANCE, goodTerms());
        vm.warp(from);
        refuses(actData(1, cap), no(Council.selector, 1));
        refuses(actDataAt(1, 2, 100, from, cap), no(Signatures.selector, 0)); // of those who were governors
        must(old); // verifiers of the version before, for as long as a settlement lives
        vm.warp(from + 7201);
        epochs++;
        refuses(registerData(3, INSTANCE, goodTerms()), no(Council.selector, 1));
    }

    function testAMemberIsRemoved() public {
        govern(abi.encodePacked(uint8(36), uint8(2), uint32(1), uint8(0)));
        refuses(actData(2, abi.encodePacked(uint8(2))), no(Signatures.selector, 0));
        bytes memory again = abi.encodePacked(uint8(36), uint8(2), uint32(1), uint8(0));
        refuses(actData(1, again), no(NotLess.selector));
        refuses(actData(1, abi.encodePacked(uint8(36), uint8(2), uint32(1), uint8(1))), no(Seats.selector, 2));
        refuses(actData(1, abi.encodePacked(uint8(36), uint8(2), uint32(1), uint8(3))), no(Council.selector, 1));
        refuses(actData(1, abi.encodePacked(uint8(36), uint8(9), uint32(1), uint8(0))), no(Council.selector, 1));
    }

    function testAnAssetIsListedAndCapped() public {
        uint40 from = uint40(block.timestamp + 345600);
        Coin more = new Coin(0);
        AssetId three = AssetId.wrap(3);
        bytes memory body = abi.encodePacked(uint8(19), three, address(more), uint8(0), uint64(100), from);
        refuses(actData(1, abi.encodePacked(uint8(19), AssetId.wrap(4), address(more), uint8(0), uint64(1), from)), no(Asset.selector, 4));
        refuses(actData(1, abi.encodePacked(uint8(19), three, address(0), uint8(0), uint64(1), from)), no(Asset.selector, 3));
        govern(body);
        more.mint(address(this), 50);
        more.approve(address(ledger), 50);
        bytes memory put = abi.encodeCall(ledger.deposit, (three, AccountId.wrap(1), 50));
        vm.warp(from - 1);
        refuses(put, no(Asset.selector, 3));
        vm.warp(from);
        must(put);
        govern(abi.encodePacked(uint8(34), three, uint64(5)));
        refuses(settleData(1, meta(), release(three, 1, 6)), no(Cap.selector, 3, 5));
        uint40 later = from + 345600;
        govern(abi.encodePacked(uint8(20), three, uint64(50), later));
        vm.warp(later - 1);
        refuses(settleData(1, meta(), release(three, 1, 6)), no(Cap.selector, 3, 5));
        vm.warp(later + 86400);
        must(settleData(1, meta(), release(three, 1, 50)));
    }

    function testAMeasurementIsScheduledAndEnded() public {
        uint40 from = uint40(block.timestamp + 345600);
        bytes32 other = sha256("measurement 2");
        refuses(
            actData(1, abi.encodePacked(uint8(17), uint32(1), MEASUREMENT, from, from + 9)),
            no(Measurement.selector, T0 + 300 days) // one that has not ended is not touched
        );
        refuses(actData(1, abi.encodePacked(uint8(17), uint32(3), other, from, from + 9)), no(Policy.selector, 3));
        refuses(actData(1, abi.encodePacked(uint8(17), uint32(1), other, from, from)), no(Measurement.selector, 0));
        govern(abi.encodePacked(uint8(17), uint32(1), other, from, from + 9));
        refuses(actData(1, abi.encodePacked(uint8(32), uint32(1), other, from + 9)), no(NotLess.selector));
        govern(abi.encodePacked(uint8(32), uint32(1), MEASUREMENT, uint40(0)));
        refuses(registerData(2, INSTANCE, goodTerms()), no(Measurement.selector, 0));
    }

    // ---- policies ----

    function policyBody(uint32 policy, uint40 from) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(16), policy, sha256("another policy"), uint256(1), from);
    }

    function testAPolicyIsScheduledWhenTheOneBeforeIsSettled() public {
        uint40 from = uint40(block.timestamp + 345600);
        bytes memory none = policyBody(2, from);
        for (uint256 i = 5; i < 37; i++) none[i] = 0;
        refuses(actData(1, none), no(Act.selector));
        refuses(actData(1, policyBody(1, from)), no(Version.selector, 1));
        govern(policyBody(2, from));
        govern(policyBody(3, from)); // the one that waits is replaced
        vm.warp(from);
        uint40 next = from + 345600;
        refuses(actData(1, policyBody(4, next)), no(Pending.selector, from + 7200)); // settlements under 1 still run
        vm.warp(from + 7201);
        govern(policyBody(4, next + 7201));
    }

    function testKeysOfAPolicyBelowTheLeastAreNotRegistered() public {
        uint40 from = uint40(block.timestamp + 345600);
        bytes memory raise = abi.encodePacked(uint8(35), uint32(2));
        govern(policyBody(2, from));
        refuses(actData(1, abi.encodePacked(uint8(35), uint32(1))), no(NotLess.selector));
        refuses(actData(1, raise), no(Policy.selector, 2)); // not in force yet
        vm.warp(from);
        govern(raise);
        refuses(registerData(2, INSTANCE, goodTerms()), no(KeyPolicy.selector, 2));
    }

    // ---- what an act may not ask ----

    function testCouncilsAreScheduledWhenThoseBeforeAreSettled() public {
        uint40 from = uint40(block.timestamp + 345600);
        govern(abi.encodePacked(uint8(18), uint32(2), from, councils(2)));
        vm.warp(from);
        bytes memory third = abi.encodePacked(uint8(18), uint32(3), from + 345600, councils(2));
        refuses(actDataAt(1, 2, ++acts, from, third), no(Pending.selector, from + 7200));
        vm.warp(from + 7201);
        third = abi.encodePacked(uint8(18), uint32(3), from + 345600 + 7201, councils(2));
        must(actDataAt(1, 2, ++acts, from + 7201, third));
    }

    function testSeatsOfACouncil() public {
        uint40 from = uint40(block.timestamp + 345600);
        bytes memory others = abi.encodePacked(council("guardian", 2, 3), council("verifier", 3, 5));
        bytes memory twice = council("governor", 2, 3);
        for (uint256 i = 0; i < 20; i++) twice[43 + i] = twice[3 + i];
        refuses(actData(1, abi.encodePacked(uint8(18), uint32(2), from, twice, others)), no(Seats.selector, 1));
        refuses(actData(1, abi.encodePacked(uint8(18), uint32(2), from, council("governor", 2, 17), others)), no(Act.selector));
    }

    function testAnAssetIsDelistedOnce() public {
        bytes memory off = abi.encodePacked(uint8(33), COIN);
        govern(off);
        refuses(actData(1, off), no(NotLess.selector));
        vm.prank(owner(1));
        refuses(abi.encodeCall(ledger.deposit, (COIN, AccountId.wrap(1), 1)), no(Asset.selector, 0));
    }
}

contract RootGovernTest is GovernTest, RootWorld {}
