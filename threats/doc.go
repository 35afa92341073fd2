// Package threats holds the tests of SECURITY.md that attack the real program: who may write to the drop directory does
// what he can, and the test looks at what has come of it. The other tests that SECURITY.md names are with the packages
// that keep the promise.
package threats
