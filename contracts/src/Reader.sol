// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A cursor over bytes in memory. It goes bad at the first short read and stays bad; what is read then is 0.
struct Rd {
    bytes data;
    uint256 pos;
    bool bad;
}

using Reader for Rd global;

library Reader {
    /// n <= 32 bytes as a big-endian number.
    function be(Rd memory rd, uint256 n) internal pure returns (uint256 v) {
        if (rd.bad || n > rd.data.length - rd.pos) {
            rd.bad = true;
            return 0;
        }
        bytes memory data = rd.data;
        uint256 pos = rd.pos;
        assembly ("memory-safe") {
            v := shr(sub(256, shl(3, n)), mload(add(add(data, 32), pos)))
        }
        rd.pos = pos + n;
    }

    function u8(Rd memory rd) internal pure returns (uint8) {
        return uint8(rd.be(1));
    }

    function u32(Rd memory rd) internal pure returns (uint32) {
        return uint32(rd.be(4));
    }

    function u40(Rd memory rd) internal pure returns (uint40) {
        return uint40(rd.be(5));
    }

    function word(Rd memory rd) internal pure returns (bytes32) {
        return bytes32(rd.be(32));
    }

    function addr(Rd memory rd) internal pure returns (address) {
        return address(uint160(rd.be(20)));
    }

    function done(Rd memory rd) internal pure returns (bool) {
        return !rd.bad && rd.pos == rd.data.length;
    }
}
