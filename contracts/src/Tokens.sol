// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Refusals.sol";

interface IERC20 {
    function balanceOf(address) external view returns (uint256);
    function decimals() external view returns (uint8);
    function transfer(address, uint256) external returns (bool);
    function transferFrom(address, address, uint256) external returns (bool);
}

/// Tokens as they are: some return nothing, some false, some take a fee, some call back. What a ledger holds must be
/// what it was told.
library Tokens {
    /// Stands for ether.
    address internal constant ETHER = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

    /// What one unit of an asset is in its token.
    function unit(address token, uint8 scale) internal view returns (uint256) {
        uint256 decimals = token == ETHER ? 18 : IERC20(token).decimals();
        if (decimals < scale || decimals > scale + 36) revert Token(token);
        return 10 ** (decimals - scale);
    }

    /// What the ledger holds, without what came with this call.
    function held(address token) internal view returns (uint256) {
        return token == ETHER ? address(this).balance - msg.value : IERC20(token).balanceOf(address(this));
    }

    /// Takes amount from the sender. The ledger, which held `before`, must hold exactly amount more.
    function pull(address token, uint256 amount, uint256 before) internal {
        uint256 due = token == ETHER ? amount : 0;
        if (msg.value != due) revert Value(due);
        if (token == ETHER) return;
        _call(token, abi.encodeCall(IERC20.transferFrom, (msg.sender, address(this), amount)));
        if (held(token) != before + amount) revert Token(token);
    }

    function pay(address token, address to, uint256 amount) internal {
        if (token == ETHER) {
            bool paid;
            assembly ("memory-safe") {
                paid := call(gas(), to, amount, 0, 0, 0, 0) // takes no return data, however much there is
            }
            if (!paid) revert Refused(to);
        } else {
            _call(token, abi.encodeCall(IERC20.transfer, (to, amount)));
        }
    }

    /// A token that returns nothing has done it, if it is a contract; one that returns must return true.
    function _call(address token, bytes memory data) private {
        (bool ok, bytes memory ret) = token.call(data);
        bool done = ret.length == 0 ? token.code.length != 0 : ret.length >= 32 && uint256(bytes32(ret)) == 1;
        if (!ok || !done) revert Token(token);
    }
}
