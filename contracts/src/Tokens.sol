// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Refusals.sol";

/// Tokens as they are: some return nothing, some false, some take a fee, some call back. What a ledger holds must be
/// what it was told.
library Tokens {
    /// Stands for ether.
    address internal constant ETHER = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

    /// What one unit of an asset is in its token.
    function unit(address token, uint8 scale) internal view returns (uint256) {
        uint256 decimals = token == ETHER ? 18 : _ask(token, 0x313ce567, address(0)); // decimals()
        unchecked {
            if (decimals - scale > 36) revert Token(token); // or below the scale
            return 10 ** (decimals - scale);
        }
    }

    /// What the ledger holds, without what came with this call.
    function held(address token) internal view returns (uint256) {
        return token == ETHER ? address(this).balance - msg.value : _ask(token, 0x70a08231, address(this)); // balanceOf
    }

    /// Takes amount from the sender. The ledger, which held `before`, must hold exactly amount more.
    function pull(address token, uint256 amount, uint256 before) internal {
        if (token == ETHER) {
            if (msg.value != amount) revert Value(amount);
        } else {
            if (msg.value != 0) revert Value(0);
            _move(token, 0x23b872dd, msg.sender, address(this), amount); // transferFrom
            if (held(token) != before + amount) revert Token(token);
        }
    }

    function pay(address token, address to, uint256 amount) internal {
        if (token == ETHER) {
            bool paid;
            assembly ("memory-safe") {
                paid := call(gas(), to, amount, 0, 0, 0, 0) // takes no return data, however much there is
            }
            if (!paid) revert Refused(to);
        } else {
            _move(token, 0xa9059cbb, address(0), to, amount); // transfer
        }
    }

    /// A question with one argument, or with none, which the token then does not look at.
    function _ask(address token, uint256 selector, address who) private view returns (uint256 answer) {
        bool good;
        assembly ("memory-safe") {
            mstore(0, shl(224, selector))
            mstore(4, who)
            good := and(gt(returndatasize(), 31), staticcall(gas(), token, 0, 36, 0, 32))
            answer := mload(0)
        }
        if (!good) revert Token(token);
    }

    /// transferFrom(from, to, amount), or transfer(to, amount). A token that returns nothing has done it, if it is a contract;
    /// one that returns must return true.
    function _move(address token, uint256 selector, address from, address to, uint256 amount) private {
        bool good;
        assembly ("memory-safe") {
            let mem := mload(0x40)
            mstore(mem, shl(224, selector))
            let at_ := add(mem, 4)
            if eq(selector, 0x23b872dd) {
                mstore(at_, from)
                at_ := add(at_, 32)
            }
            mstore(at_, to)
            mstore(add(at_, 32), amount)
            good := call(gas(), token, 0, mem, sub(add(at_, 64), mem), 0, 32)
            switch returndatasize()
            case 0 { good := and(good, gt(extcodesize(token), 0)) }
            default { good := and(good, and(gt(returndatasize(), 31), eq(mload(0), 1))) }
        }
        if (!good) revert Token(token);
    }
}
