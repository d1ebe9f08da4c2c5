// Package sweep measures how often the comparison errs, in both directions, on
// a real API server: the objects in corpus/ and examples/infra are committed to
// Git and applied by the agent, and then every field of theirs is tried.
//
//   - The mutation sweep changes and removes each declared field, and adds each
//     field beside it that Git doesn't have. A person's request must be refused
//     by the field's path.
//   - The peace sweep writes each object as it is, in all the ways that people
//     and tools do. Nothing may be refused.
//   - The convergence sweep leads fields back to Git's value from states that
//     kubectl left. That must be let in, and a step to a third value must not.
//   - The agent then changes each object in all its ways, deletes it, makes it
//     again, and deletes it for good. Nothing may be refused.
//   - The control plane's round has the controllers work on the objects in
//     round/. The audit log must show what they wrote, and no refusal.
//
// What the API server refuses by itself, and what it makes no change of, proves
// nothing: it is counted apart. exceptions.txt lists what slips, and why.
//
//	go test ./e2e/sweep -v -artifacts -outputdir DIR
//
// prints the figures, and keeps in DIR what became of each single trial.
package sweep
