// Package badsources shows that one bad source harms no other: beside a good
// source, a real Refresher, Store and Renderer are given each thing that a
// repository or a Git server can do to them, alone and all at once. What is
// wrong is said of that source only, its last good objects stay, and the good
// one follows Git all the while, within a stated heap.
package badsources
