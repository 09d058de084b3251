// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../../src/Lanes.sol";

/// The two ways through a body, each alone; the body stands where settle has it.
contract BodyHarness is Lanes {
    constructor(bytes memory genesis) State(genesis) {}

    function _mode() internal pure override returns (uint8) {
        return MODE_NET;
    }

    function quick(uint256, bytes32, bytes32, bytes32, bytes32) external returns (uint256 found) {
        found = Body.walk(100);
    }

    function run(uint256, bytes32, bytes32, bytes32, bytes32) external {
        _runLanes();
    }

    function slow(uint256, bytes32, bytes32, bytes32, bytes32) external {
        _runSlowly();
    }
}
