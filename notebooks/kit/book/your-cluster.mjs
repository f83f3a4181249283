// The page "Your cluster": three boxes, and room for an answer. live/your-cluster.mjs fills it.

/** @type {import("./page.mjs").Chapter} */
export const yourCluster = {
  name: "your-cluster",
  page: "your-cluster.html",
  title: "Your cluster",
  headings: [],
  sections: [],
  script: "your-cluster.js",
  // what is pasted may name any mode
  parts: ["nftables.js"],
  body: `<section class="prose" id="your-cluster">
<h1>Your cluster</h1>
<p>Paste what you have, name a request, and see where it goes: every rule that it meets, every way
that it can take, and what had to be assumed. Nothing leaves this page: it asks no network, and a
link carries everything behind its <code>#</code>, which browsers keep to themselves.</p>
</section>
<form class="ask" onsubmit="return false">
<label for="documents">Manifests, or a dump
<small>YAML or JSON: Deployments and Services as you write them, or what
<code>kubectl get nodes,pods,services,endpointslices -A -o yaml</code> prints</small></label>
<textarea id="documents" rows="10" spellcheck="false" autocomplete="off"></textarea>
<label class="tick"><input type="checkbox" id="dump"> a dump: taken as it is, status included; no
controller runs</label>
<fieldset><legend>The request</legend>
<label for="url">URL <small>empty: the first Service's own</small></label>
<input id="url" inputmode="url" spellcheck="false" autocomplete="off" placeholder="http://mynginx-app.com:8080/">
<label for="from">from <small>internet, an IP, node/NAME or pod/NAMESPACE/NAME</small></label>
<input id="from" spellcheck="false" autocomplete="off" placeholder="internet">
<label for="seed">seed <small>another one, other choices</small></label>
<input id="seed" type="number" min="0" step="1" value="1">
</fieldset>
<label for="rules">Or a node's rules
<small>what <code>iptables-save</code> or <code>nft list ruleset</code> prints there; the request is
then an address and a port</small></label>
<textarea id="rules" rows="5" spellcheck="false" autocomplete="off"></textarea>
<p class="controls">
<button type="button" id="follow">▶ Follow the request</button>
<button type="button" id="stop" disabled>■ Stop</button>
<button type="button" id="example">The article's</button>
<button type="button" id="link">Link</button>
<button type="button" id="save">Save</button>
<label class="open">Open files <input type="file" id="files" multiple></label>
</p>
</form>
<p id="said" role="status"></p>
<div id="answer"></div>`,
};
