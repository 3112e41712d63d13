// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

/// Treats each payee in its own way, as a test tells it to.
contract MoodyToken {
    event Transfer(address indexed from, address indexed to, uint256 value);

    enum Mood { Fair, Refusing, Denying, Burning, Forgetting, Contradicting, Silent, Chattering, Whispering }

    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => Mood) public moods;

    function decimals() external pure returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 units) external {
        balanceOf[to] += units;
        emit Transfer(address(0), to, units);
    }

    function approve(address spender, uint256 units) external returns (bool) {
        allowance[msg.sender][spender] = units;
        return true;
    }

    function treat(address payee, Mood mood) external {
        moods[payee] = mood;
    }

    function transfer(address to, uint256 units) external returns (bool) {
        return move(msg.sender, to, units);
    }

    function transferFrom(address from, address to, uint256 units) external returns (bool) {
        require(allowance[from][msg.sender] >= units, "not allowed");
        return move(from, to, units);
    }

    function move(address from, address to, uint256 units) private returns (bool) {
        Mood mood = moods[to];
        require(mood != Mood.Refusing, "refused");
        if (mood == Mood.Denying) return false;
        if (mood == Mood.Forgetting) return true;
        while (mood == Mood.Burning) {}
        require(balanceOf[from] >= units, "too little");
        balanceOf[from] -= units;
        balanceOf[to] += units;
        if (mood != Mood.Whispering) emit Transfer(from, to, units);
        if (mood == Mood.Silent) {
            assembly { return(0, 0) }
        }
        if (mood == Mood.Chattering) {
            assembly { mstore(0, 1) return(0, 60000) }
        }
        return mood != Mood.Contradicting;
    }
}

/// Code of a payee that uses up all the gas it gets.
contract GasBurner {
    receive() external payable {
        while (true) {}
    }
}
