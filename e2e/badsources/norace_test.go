//go:build !race

package badsources_test

// raceDetector reports whether the tests run with it.
const raceDetector = false
