import { version as number } from '../../package.json';

export const version = `Satchel agent ${number}`;

export const help = `Ask a person for their health records, and receive them decrypted on this machine.

  request   makes a session, prints a link for the person, waits, writes the records
  resume    goes on waiting in another process, with the session file request left behind

  npm run --silent agent -- request --relay https://satchel.example --out ./records \\
      --who "Visit helper" --why "To prepare for Tuesday's appointment"

The person opens the link in their wallet, compares the six-digit code, chooses, and sends. Records are encrypted in
their browser and opened here; the relay in between cannot read them.

request
  --relay URL        the relay: an https origin, or http on this machine        (required)
  --out DIR          where the records go; made with mode 0700                  (required)
  --who NAME         who asks, shown to the person as unverified                (required)
  --why TEXT         what for, shown to the person                              (required)
  --wants A,B        resource types you would like: Condition,Observation
  --expires SECONDS  how long the link works, 1 to 3600                         (default 3600)
  --no-wait          print the link and leave; "resume" waits later

resume
  --out DIR          the folder given to request; or
  --session FILE     its session file, if it is elsewhere

both
  --session FILE     keep the session file there                 (default DIR/.satchel-session.json)
  --force            replace an earlier delivery in DIR
  --help, --version

stdout holds JSON lines and nothing else, but for --help and --version:
  {"event":"link","url","code","expiresAt"}  {"event":"claimed"}  {"event":"receiving","bytes","parts"}
  {"event":"done","dir","sources":[{"name","patient","folder","resources","failed":[…]}]}
  {"event":"error","code","resumable","detail"?}

DIR/index.json lists sources, counts, documents, and what became of every query: read it first. What is under "failed"
could not be read, which does not mean that there is nothing; with "keptFrom" it is here from an older reading. Before the
end, "receiving" counts all that lies at the relay, also of a sending that was cancelled.
DIR/<source>/<ResourceType>.ndjson     DIR/<source>/documents/2019-03-02 Discharge summary.pdf

Exit: 0 verified and written (with --no-wait: link made) · 1 error · 2 usage · 3 what was sent is not valid
      4 session expired or gone · 130 interrupted
`;
