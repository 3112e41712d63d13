// SPDX-License-Identifier: AGPL-3.0-or-later
pragma solidity 0.8.37;

/// Pays ether from inside: the ways in which it reaches an address without any tx to it.
contract Payer {
    receive() external payable {}

    /// 1, 2 … n times `unit` to each, as an exchange's batch does.
    function payMany(address payable[] calldata to, uint256 unit) external payable {
        for (uint256 place = 0; place < to.length; place++) {
            pay(to[place], unit * (place + 1));
        }
    }

    function payOne(address payable to, uint256 units) external payable {
        pay(to, units);
    }

    /// For itself alone: pays and then fails, so that nothing stays.
    function payAndFail(address payable to, uint256 units) external payable {
        pay(to, units);
        revert("changed my mind");
    }

    /// A call that is undone, with a payment in it, inside a tx that succeeds; then one that stays, if any.
    function payUndone(address payable to, uint256 undone, uint256 kept) external payable {
        try this.payAndFail(to, undone) {} catch {}
        if (kept > 0) pay(to, kept);
    }

    /// The same two frames further down: the frame in the middle fails, the ones below it do not.
    function payUndoneDeep(address payable to, uint256 units) external payable {
        try this.nested(to, units) {} catch {}
    }

    function nested(address payable to, uint256 units) external payable {
        this.payOne(to, units);
        revert("all of it");
    }

    /// The payment is made by another contract's code, in this one's name.
    function payByDelegate(address code, address payable to, uint256 units) external payable {
        (bool done,) = code.delegatecall(abi.encodeCall(Payer.payOne, (to, units)));
        require(done, "delegate");
    }

    /// A contract that destroys itself leaves what it has to `to`, which is not called.
    function payByDestruction(address payable to) external payable {
        bytes memory code = abi.encodePacked(hex"73", to, hex"ff"); // PUSH20 to, SELFDESTRUCT
        assembly {
            let made := create(callvalue(), add(code, 32), mload(code))
            if iszero(made) { revert(0, 0) }
        }
    }

    /// Where `payByCreation` will put its contract.
    function creationAddress(bytes32 salt) public view returns (address) {
        bytes32 digest = keccak256(abi.encodePacked(hex"ff", address(this), salt, keccak256(hex"00")));
        return address(uint160(uint256(digest)));
    }

    /// An empty contract that is made with ether in it.
    function payByCreation(bytes32 salt) external payable {
        bytes memory code = hex"00";
        assembly {
            let made := create2(callvalue(), add(code, 32), mload(code), salt)
            if iszero(made) { revert(0, 0) }
        }
    }

    function pay(address payable to, uint256 units) internal {
        (bool done,) = to.call{value: units}("");
        require(done, "not taken");
    }
}

/// Code of a wallet that keeps what it gets and says so.
contract KeepingWallet {
    event Received(address from, uint256 units);

    receive() external payable {
        emit Received(msg.sender, msg.value);
    }
}

/// Code of a wallet that sends half of what it gets on at once, to whoever mined the block.
contract SpendingWallet {
    receive() external payable {
        (bool done,) = block.coinbase.call{value: msg.value / 2}("");
        require(done, "not taken");
    }
}

/// Code of a wallet that keeps nothing of what it gets.
contract PassingWallet {
    receive() external payable {
        (bool done,) = block.coinbase.call{value: msg.value}("");
        require(done, "not taken");
    }
}

/// Calls whoever pays it back, again and again, before it has done.
contract ReenteringWallet {
    receive() external payable {
        if (gasleft() > 60_000) {
            (bool done,) = msg.sender.call{value: msg.value / 2}("");
            done;
        }
    }
}

/// Can do anything in its own name: a contract that is somebody's account.
contract ContractAccount {
    receive() external payable {}

    function execute(address to, uint256 units, bytes calldata data) external payable {
        (bool done,) = to.call{value: units}(data);
        require(done, "failed");
    }
}
