//go:build tools

// Package tools pins the server that the specs build; go.sum holds the checksums of everything it needs.
package tools

import _ "github.com/liftbridge-io/liftbridge"
