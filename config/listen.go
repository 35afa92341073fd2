package config

import (
	"net"
	"strconv"
	"strings"
)

// loopback is where is listened when only a port is given: what one does not ask for must not be reachable from outside.
const loopback = "127.0.0.1"

// ListenAddress is the address of a value of the key listen, host and port; "" for "". What is wrong with the value is said in
// words that follow it; "" where nothing is.
func ListenAddress(value string) (address, wrong string) {
	if value == "" {
		return "", ""
	}
	host, port, err := net.SplitHostPort(value)
	switch {
	case strings.HasPrefix(value, "unix:"):
		return "", "is a socket of the file system, which is not available; use a port of this machine, :9464"
	case strings.Contains(value, "/"):
		return "", "is no address; write host:port without a scheme and a path, or :9464 for this machine alone"
	case err != nil && digits(value):
		return "", "is a port alone; write :" + value + " for this machine alone, 0.0.0.0:" + value + " to be reachable from others"
	case err != nil:
		return "", "is no address; write :9464 for this machine alone, 0.0.0.0:9464 to be reachable from others"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || !digits(port) || n == 0 && port != "0" {
		return "", "has no port from 1 to 65535 (0: any that is free)"
	}
	if strings.ContainsAny(host, " \t") {
		return "", "has a space in its host"
	}
	if host == "" {
		host = loopback
	}
	return net.JoinHostPort(host, port), ""
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
