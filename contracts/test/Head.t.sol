// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./RootWorld.sol";

/// What settle looks at before the body, in either mode.
contract HeadTest is World {
    function setUp() public {
        start(0, 0);
    }

    function testEmptyBodyIsAHeartbeat() public {
        bytes32 before = head();
        settle("");
        require(head() != before, "head");
    }

    function testAnotherLedgerRefusesIt() public {
        bytes memory data = settleData(1, meta(), "");
        IAnyLedger first = ledger;
        ledger = found(goodPlan()); // the same genesis but for the address
        epochs = 0;
        vm.warp(block.timestamp - 1800);
        registerKey(1, INSTANCE, 1);
        vm.warp(block.timestamp + 1800);
        refuses(data, no(Key.selector));
        ledger = first;
        must(data);
    }

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

    function testTimes() public {
        uint40 now_ = uint40(block.timestamp);
        refuses(settleData(1, metaOf(now_ - 1, now_ - 9, 1, mode), ""), no(Expired.selector, now_ - 1));
        refuses(settleData(1, metaOf(now_ + 7201, now_, 1, mode), ""), no(Validity.selector, now_ + 7201, now_));
        refuses(settleData(1, metaOf(now_ + 9, now_ + 1, 1, mode), ""), no(Validity.selector, now_ + 9, now_ + 1));
        must(settleData(1, metaOf(now_ + 7200, now_, 1, mode), "")); // the last that may
        must(settleData(1, metaOf(now_, now_ - 7200, 1, mode), ""));
    }

    function testMode() public {
        uint40 now_ = uint40(block.timestamp);
        refuses(settleData(1, metaOf(now_ + 9, now_, 1, 3 - mode), ""), no(Mode.selector, 3 - mode));
        refuses(settleData(1, metaOf(now_ + 9, now_, 1, 0), ""), no(Mode.selector, 0));
        for (uint256 bit = 184; bit < 256; bit++) {
            refuses(settleData(1, meta() | 1 << bit, ""), no(Mode.selector, mode));
        }
    }

    function testPolicyOverlap() public {
        uint40 from = uint40(block.timestamp + 345600);
        govern(abi.encodePacked(uint8(16), uint32(2), sha256("policy 2"), uint256(3), from));
        vm.warp(from - 1);
        refuses(settleData(1, metaOf(from + 9, from - 1, 2, mode), ""), no(Policy.selector, 2));
        settle("");
        vm.warp(from); // both, for as long as a settlement lives
        must(settleData(1, metaOf(from + 9, from, 2, mode), ""));
        must(settleData(1, metaOf(from + 9, from, 1, mode), ""));
        vm.warp(from + 7200);
        must(settleData(1, metaOf(from + 7209, from + 7200, 1, mode), ""));
        vm.warp(from + 7201);
        refuses(settleData(1, metaOf(from + 7209, from + 7200, 1, mode), ""), no(Policy.selector, 1));
        must(settleData(1, metaOf(from + 7209, from + 7200, 2, mode), ""));
    }

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
        refuses(settleData(1, metaOf(from + 9, from, 2, mode), ""), no(Key.selector));
    }
}

contract RootHeadTest is HeadTest, RootWorld {}
