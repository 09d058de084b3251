// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

// What the gas table compares with, built as the ledger is.

/// The token most in use, to pay with.
contract OzCoin is ERC20("Coin", "COIN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}

/// Payments in one transaction as batch payers make them: one pull, then a transfer each.
contract Disperser {
    function disperse(ERC20 token, address[] calldata to, uint256[] calldata amounts) external {
        uint256 total = 0;
        for (uint256 i = 0; i < amounts.length; i++) total += amounts[i];
        require(token.transferFrom(msg.sender, address(this), total));
        for (uint256 i = 0; i < to.length; i++) require(token.transfer(to[i], amounts[i]));
    }
}
