// Package gitserver makes Git repositories and serves them over the protocols
// that people use, with the real git binary behind them: for tests and the
// demo, on loopback.
//
//	repository, err := gitserver.Init(filepath.Join(root, "infra.git"))
//	commit, err := repository.Commit(gitserver.Commit{Files: map[string]string{"a.yaml": "kind: A\n"}})
//	server, err := gitserver.ServeHTTP(root, gitserver.HTTPOptions{})
//	defer server.Close()
//	// clone server.URL + "/infra.git"
//
// Nothing here reads the user's or the machine's Git configuration.
package gitserver
