// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

// OpenZeppelin Contracts, MIT licence: its code is part of the compiled DevDollar.json.
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// The dollar of development networks: an ordinary ERC-20 with six decimals that anybody may print.
contract DevDollar is ERC20 {
    constructor() ERC20("Dev Dollar", "DUSD") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 units) external {
        _mint(to, units);
    }
}
