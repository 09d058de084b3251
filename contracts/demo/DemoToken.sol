// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A token for demonstrations alone: whoever makes it has all of it. EIP-20.
contract DemoToken {
    error Balance(uint256 has);
    error Allowance(uint256 has);

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    uint8 public constant decimals = 18;
    uint256 public constant totalSupply = type(uint128).max;
    string public symbol;
    mapping(address owner => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    constructor(string memory symbol_) {
        symbol = symbol_;
        balanceOf[msg.sender] = totalSupply;
        emit Transfer(address(0), msg.sender, totalSupply);
    }

    function name() external view returns (string memory) {
        return symbol;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    /// An allowance without a limit stays one.
    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 has = allowance[from][msg.sender];
        if (has < value) revert Allowance(has);
        if (has != type(uint256).max) allowance[from][msg.sender] = has - value;
        _move(from, to, value);
        return true;
    }

    function _move(address from, address to, uint256 value) private {
        uint256 has = balanceOf[from];
        if (has < value) revert Balance(has);
        unchecked {
            balanceOf[from] = has - value;
            balanceOf[to] += value; // all of it is below 2^128
        }
        emit Transfer(from, to, value);
    }
}
