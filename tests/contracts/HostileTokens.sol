// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

/// The honest part: six decimals, balances, and printing for everybody. What a kind of token does wrong is its own.
abstract contract Ledger {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) internal balances;
    bool internal muted;

    function balanceOf(address owner) external view returns (uint256) {
        require(!muted, "no answer");
        return balances[owner];
    }

    function decimals() external pure returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 units) external {
        balances[to] += units;
        emit Transfer(address(0), to, units);
    }

    function move(address from, address to, uint256 units) internal {
        require(balances[from] >= units, "too little");
        balances[from] -= units;
        balances[to] += units;
        emit Transfer(from, to, units);
    }
}

/// Says in its log that value moved, and moves nothing.
contract BoastingToken is Ledger {
    function boast(address to, uint256 units) external {
        emit Transfer(msg.sender, to, units);
    }

    /// In and out at once, so that the sum of the logs agrees with the balance that did not change.
    function boastThrough(address through, uint256 units) external {
        emit Transfer(msg.sender, through, units);
        emit Transfer(through, msg.sender, units);
    }

    function boastToSelf(address to, uint256 units) external {
        emit Transfer(to, to, units);
    }

    function transfer(address to, uint256 units) external returns (bool) {
        move(msg.sender, to, units);
        return true;
    }
}

/// Answers false instead of failing.
contract RefusingToken is Ledger {
    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }
}

/// Of USDT's kind: moves and answers nothing at all.
contract SilentToken is Ledger {
    function transfer(address to, uint256 units) external {
        move(msg.sender, to, units);
    }
}

/// Keeps one part in a hundred; the log tells the whole.
contract TollToken is Ledger {
    function transfer(address to, uint256 units) external returns (bool) {
        move(msg.sender, to, units);
        uint256 toll = units / 100;
        balances[to] -= toll;
        balances[address(this)] += toll;
        return true;
    }
}

/// Pays honestly, and its balances cannot be read afterwards.
contract MuteToken is Ledger {
    function transfer(address to, uint256 units) external returns (bool) {
        move(msg.sender, to, units);
        return true;
    }

    function payAndMute(address to, uint256 units) external {
        move(msg.sender, to, units);
        muted = true;
    }
}

/// Sends on what it is called with, as an exchange's multisend does: 1, 2 … n units to each, then a log of zero.
contract ManyPayments is Ledger {
    function payMany(address[] calldata to) external {
        for (uint256 place = 0; place < to.length; place++) {
            balances[to[place]] += place + 1;
            emit Transfer(address(this), to[place], place + 1);
        }
        emit Transfer(address(this), to[0], 0);
    }
}

/// Refuses all ether.
contract EtherTrap {
    receive() external payable {
        revert("not wanted");
    }
}
