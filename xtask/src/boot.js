// Loads the module and wakes the islands that the server has drawn. The page works before that.
const MODULE = "__MODULE__";
const WASM = "__WASM__";

// The most recent island whose children are being walked: leptos sets `$$on_hydrate` on the
// wrapper of an island's children, to be called before each island inside it wakes.
const aroundChildren = [];

async function wake(island, bundle) {
	const start = bundle[island.dataset.component];
	if (!start) {
		console.error(`The bundle has no island ${island.dataset.component}.`);
		return;
	}
	aroundChildren.at(-1)?.();
	island.$$hydrated = true;
	await start(island);
}

/** Lets the page answer the reader between two steps. */
const breathe = () => new Promise((go) => setTimeout(go));

async function walk(node, bundle) {
	const tag = node.localName;
	if (tag === "leptos-island" && !node.$$hydrated) await wake(node, bundle);
	const wrapper = tag === "leptos-children";
	if (wrapper) aroundChildren.push(node.$$on_hydrate);
	for (const child of node.children) {
		const island = child.localName === "leptos-island";
		if (!island && !child.getElementsByTagName("leptos-island").length) continue;
		if (island) await breathe();
		await walk(child, bundle);
	}
	if (wrapper) aroundChildren.pop();
}

async function boot() {
	const bundle = await import(MODULE);
	await bundle.default({ module_or_path: new URL(WASM, import.meta.url) });
	await breathe();
	bundle.hydrate();
	// For islands inside a fragment that an island has put into the page.
	window.__hydrateIsland = (island) => wake(island, bundle);
	await walk(document.body, bundle);
	document.documentElement.dataset.islands = "awake";
}

if ("requestIdleCallback" in window) requestIdleCallback(boot, { timeout: 2000 });
else boot();
