// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Refusals.sol";

/// How one talks to a ledger, whatever its mode. What each call does stands where it is built.
interface ILedger {
    /// One more message in the inbox: kind u8, time u40, data. inbox' = keccak256(inbox || message).
    event Inbox(bytes message);
    /// A settlement key was registered; notBefore is the time from which it may sign.
    event Registered(address indexed key, uint40 notBefore);
    /// A settlement ran; head is its digest and the new head of the ledger.
    event Settled(bytes32 indexed head, uint256 meta, bytes32 stateRoot, bytes32 entries, bytes32 receipts);

    function settle(uint256 meta, bytes32 stateRoot, bytes32 receipts, bytes32 r, bytes32 vs) external;
    function open(address owner) external returns (AccountId id);
    function deposit(AssetId asset, AccountId id, uint64 units) external payable;
    function withdraw(AssetId asset, AccountId id, uint64 units, address to) external;
    function requestExit(AccountId id) external;
    function alarm() external;
    function declareDead() external;
    function register(
        address key,
        uint256 terms,
        bytes32 instance,
        bytes32 certificate,
        bytes32 measurement,
        bytes32 evidence,
        bytes32 r,
        bytes32 vs,
        bytes calldata signatures
    ) external;
    function revokeKey(address key, bytes32 r, bytes32 vs) external;
    function act(uint8 council, uint32 version, uint48 number, uint40 notAfter, bytes calldata signatures, bytes calldata body)
        external;

    function parameters()
        external
        view
        returns (
            bytes32 domain,
            bytes32 separator,
            uint256 maxValidity,
            uint256 maxPause,
            uint256 exitDelay,
            uint256 notice,
            uint256 deadAfter,
            uint256 keyDelay
        );
}

/// A ledger in mode net.
interface INetLedger is ILedger {
    function openLane(AssetId asset, AccountId id) external;
    function finalizeExit(AssetId asset, AccountId id, address to) external;
}

/// A settlement's content, without its body.
struct Settlement {
    uint256 meta;
    bytes32 prevHead;
    bytes32 stateRoot;
    bytes32 entries;
    bytes32 receipts;
}

/// What the state tree says of an account in one asset; all 0: nothing.
struct Holding {
    uint96 balance;
    uint80 creditedIn; // of what the account has deposited
    uint80 released;
    bytes32 salt;
}

/// A ledger in mode root.
interface IRootLedger is ILedger {
    function rootExit(
        Settlement calldata last,
        AssetId asset,
        AccountId id,
        Holding calldata holding,
        bytes32[32] calldata path
    ) external;
}
