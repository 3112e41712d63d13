// Pays many from one: pay(address token, uint256 gas, bytes32[] payments), each payment an address (20 bytes) and units of the
// token (12 bytes), or of wei where the token is 0. Only who made the contract may call it.
//
// It holds nothing. A token goes from the owner to each payee by the owner's allowance; ether comes with the call, and what
// could not be paid returns to the owner before the call ends. A payee that fails fails alone, within the gas that it is
// given, and is told of: Unpaid(uint256 place, bytes32 payment), and in the answer, where the bit of its place is set. No upgrade,
// no delegatecall, no storage.
object "PayoutContract" {
  code {
    if callvalue() { revert(0, 0) }
    datacopy(0, dataoffset("deployed"), datasize("deployed"))
    setimmutable(0, "owner", caller())
    return(0, datasize("deployed"))
  }
  object "deployed" {
    code {
      if xor(caller(), loadimmutable("owner")) { revert(0, 0) }
      if xor(shr(224, calldataload(0)), 0x12e4cc6c) { revert(0, 0) }
      let token := calldataload(4)
      let allowed := calldataload(36)
      let end := calldatasize()
      let unpaid := 0
      if xor(calldataload(68), 96) { revert(0, 0) }
      if xor(add(132, mul(calldataload(100), 32)), end) { revert(0, 0) }
      switch token
      case 0 {
        for { let at := 132 } lt(at, end) { at := add(at, 32) } {
          let payment := calldataload(at)
          if iszero(call(allowed, shr(96, payment), and(payment, 0xffffffffffffffffffffffff), 0, 0, 0, 0)) {
            unpaid := or(unpaid, tell_unpaid(at, payment))
          }
        }
        if selfbalance() {
          if iszero(call(gas(), caller(), selfbalance(), 0, 0, 0, 0)) { revert(0, 0) }
        }
      }
      default {
        // A call of what has no code succeeds and moves nothing. Asking makes the token's account warm besides.
        if or(callvalue(), iszero(extcodesize(token))) { revert(0, 0) }
        mstore(0, shl(224, 0x23b872dd)) // transferFrom(address,address,uint256)
        mstore(4, caller())
        for { let at := 132 } lt(at, end) { at := add(at, 32) } {
          let payment := calldataload(at)
          mstore(36, shr(96, payment))
          mstore(68, and(payment, 0xffffffffffffffffffffffff))
          // A call gets at most 63 parts in 64 of the gas there is (EIP-150). Where that is less than what it is allowed, its
          // failure would be ours: then nobody is paid, rather than some for a reason that is not theirs.
          if lt(gas(), add(allowed, div(allowed, 32))) { revert(0, 0) }
          let done := call(allowed, token, 0, 0, 100, 128, 32)
          let yes := or(iszero(returndatasize()), and(gt(returndatasize(), 31), eq(mload(128), 1)))
          if iszero(and(done, yes)) { unpaid := or(unpaid, tell_unpaid(at, payment)) }
        }
      }
      mstore(0, unpaid)
      return(0, 32)

      function tell_unpaid(at, payment) -> bit {
        let place := div(sub(at, 132), 32)
        bit := shl(place, 1)
        mstore(128, place)
        mstore(160, payment)
        log1(128, 64, 0x77a3c9ba017f04f8837c55bec9f5b3eb86659639af6f2cc1f19e6c5b8d78040c)
      }
    }
  }
}
