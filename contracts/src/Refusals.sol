// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Names of things that would otherwise all be numbers.
type AssetId is uint24; // from 0 up
type AccountId is uint32; // from 1 up
type Amount is uint64; // of an asset's unit, below 2^63

// Refusals of settle, in the order in which they are checked.
error WrongChain(uint256 chain);
error Dead();
error Paused(uint40 until);
error Expired(uint40 validUntil);
error Validity(uint40 validUntil, uint40 asOf);
error Policy(uint32 policy);
error Mode(uint8 mode);
error Key();
/// @param offset Where in the body the first entry or section stands that is not well formed.
error Entries(uint256 offset);
error Lane(AssetId asset, AccountId id);
error Cap(AssetId asset, uint64 level);
error Unbalanced(AssetId asset);

// Accounts.
error Owner(AccountId id);
error AlreadyOpen(AccountId id);
error Full();
error Account(AccountId id);
error Asset(AssetId asset);
error Exiting(AccountId id, uint40 exitAt);
error Units();
error Held(AssetId asset, uint256 held);
/// @param units What the free lane holds.
error Free(uint64 units);
error Recipient();
/// @param from The earliest time; 0 when no exit was requested.
error ExitDelay(uint40 from);
error Nothing();
error Alarmed(uint40 since);
error NoAlarm();
error DeadDelay(uint40 from);

// Exits of mode root.
error Alive();
/// The settlement shown is not the last that ran.
error Head();
/// @param position Where the account's leaf stands in the state tree; 0: nowhere.
error Leaf(uint32 position);

// Registration.
error Council(uint32 version);
/// @param place That of the first signature that is wrong; how many there are, when that is wrong.
error Signatures(uint256 place);
error Possession();
error KeyKnown(uint8 state);
error Term(uint40 notBefore, uint40 notAfter);
error Measurement(uint40 until);
error KeyPolicy(uint32 minKeyPolicy);
error Tcb(uint8 tcb);
error Epoch(uint40 floorEpoch);
error Revoked();
error Delay(uint40 notBefore);
error Fence();

// Acts.
error Act();
error ActNumber(uint48 last);
error ActExpired(uint40 notAfter);
error Cooldown(uint40 from);
error Notice(uint40 from);
error Pending(uint40 until);
error Version(uint32 last);
error Seats(uint8 council);
error NotLess();

// What only a chain has: tokens, ether, a constructor's arguments.
/// The token's call failed, or did not move exactly what was asked, or its decimals are fewer than the asset's scale.
error Token(address token);
/// @param due The wei that must come with the call.
error Value(uint256 due);
/// The recipient did not take ether.
error Refused(address to);
/// @param item The rule of genesis that does not hold.
error Genesis(string item);
