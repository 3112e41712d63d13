// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

/// What the animals have in common: six decimals, balances, a log of each move, printing for everybody.
abstract contract Animal {
    event Transfer(address indexed from, address indexed to, uint256 value);

    mapping(address => uint256) internal balances;

    function balanceOf(address owner) external view virtual returns (uint256) {
        return balances[owner];
    }

    function decimals() external view virtual returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 units) external virtual {
        unchecked {
            balances[to] += units;
        }
        emit Transfer(address(0), to, units);
    }

    function transfer(address to, uint256 units) external virtual returns (bool) {
        move(msg.sender, to, units);
        return true;
    }

    function move(address from, address to, uint256 units) internal virtual {
        require(balances[from] >= units, "too little");
        balances[from] -= units;
        balances[to] += units;
        emit Transfer(from, to, units);
    }
}

/// Moves, logs, and answers false all the same.
contract DenyingToken is Animal {
    function transfer(address to, uint256 units) external override returns (bool) {
        move(msg.sender, to, units);
        return false;
    }
}

/// Counts in shares: everybody's balance changes at once, without a log.
contract RebasingToken is Animal {
    uint256 internal numerator = 1;
    uint256 internal denominator = 1;

    function rebase(uint256 to, uint256 from) external {
        numerator *= to;
        denominator *= from;
    }

    function balanceOf(address owner) external view override returns (uint256) {
        return balances[owner] * numerator / denominator;
    }
}

/// Its keeper can stop it, forbid addresses, and take away.
contract GuardedToken is Animal {
    bool internal paused;
    mapping(address => bool) internal blocked;

    function pause(bool on) external {
        paused = on;
    }

    function forbid(address owner, bool on) external {
        blocked[owner] = on;
    }

    function seize(address from, address to, uint256 units) external {
        super.move(from, to, units);
    }

    function move(address from, address to, uint256 units) internal override {
        require(!paused, "paused");
        require(!blocked[from] && !blocked[to], "forbidden");
        super.move(from, to, units);
    }
}

/// Moves without a word.
contract QuietToken is Animal {
    function move(address from, address to, uint256 units) internal override {
        require(balances[from] >= units, "too little");
        balances[from] -= units;
        balances[to] += units;
    }
}

/// Gives a tenth on top of what its log says.
contract GenerousToken is Animal {
    function move(address from, address to, uint256 units) internal override {
        super.move(from, to, units);
        balances[to] += units / 10;
    }
}

/// Tells of moves in the shape of the first tokens: nothing indexed.
contract OldToken is Animal {
    event Moved(address from, address to, uint256 value);

    function move(address from, address to, uint256 units) internal override {
        require(balances[from] >= units, "too little");
        balances[from] -= units;
        balances[to] += units;
        bytes32 topic = Transfer.selector;
        assembly {
            let free := mload(0x40)
            mstore(free, from)
            mstore(add(free, 32), to)
            mstore(add(free, 64), units)
            log1(free, 96, topic)
        }
    }
}

interface IReceiver {
    function tokensReceived(address from, uint256 units) external;
}

/// As ERC-777: who receives is called, after the move, and may do anything.
contract CallingToken is Animal {
    function move(address from, address to, uint256 units) internal override {
        super.move(from, to, units);
        if (to.code.length > 0) IReceiver(to).tokensReceived(from, units);
    }
}

/// Code of a wallet that sends a part back while it is being paid, as often as it is asked.
contract ReenteringHolder {
    function tokensReceived(address from, uint256 units) external {
        if (units > 1) CallingToken(msg.sender).transfer(from, units / 2);
    }
}

/// Sends the calls of one contract to the code of another (ERC-1967), which anybody may exchange.
contract UpgradableToken {
    bytes32 internal constant SLOT = 0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc;

    function upgradeTo(address code) external {
        assembly {
            sstore(SLOT, code)
        }
    }

    fallback() external {
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(SLOT), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(done) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

/// One implementation, and another that counts in other decimals.
contract SixDecimals is Animal {}

contract EighteenDecimals is Animal {
    function decimals() external pure override returns (uint8) {
        return 18;
    }
}

/// Logs many moves in one tx: `rounds` times to each, of units 1, 2 … (and each third of nothing), and to itself.
contract CrowdToken is Animal {
    function payCrowd(address[] calldata to, uint256 rounds) external {
        for (uint256 round = 0; round < rounds; round++) {
            for (uint256 place = 0; place < to.length; place++) {
                uint256 number = round * to.length + place;
                uint256 units = number % 3 == 2 ? 0 : number + 1;
                balances[to[place]] += units;
                emit Transfer(msg.sender, to[place], units);
            }
        }
    }

    /// Logs of nothing, to one address: dust that poisons histories.
    function spam(address to, uint256 logs, uint256 units) external {
        for (uint256 number = 0; number < logs; number++) {
            emit Transfer(msg.sender, to, units);
        }
    }
}
