// The stage: plays a search in real Plotly. One update of the figure a generation; between two of them the marks glide,
// newcomers leave the place of a parent, the dead fade. Space plays, arrows step, the address keeps the generation.
const STILL = matchMedia('(prefers-reduced-motion: reduce)').matches;
const GLIDE = 0.85; // of a generation's time
const NARROW = 640; // pixels; below it the legend is one line of text under the plot
const GLYPHS = {circle: '●', diamond: '◆', 'star-open': '☆', 'circle-open': '○'};
const FOLLOW = 800; // milliseconds between two generations that another view shows while the search plays

async function plotly(program) {
    if (!window.Plotly) {
        const own = document.querySelector('script[type=module][src]').src; // in static/js of the server
        await import(new URL(`../../${program}`, own));
    }
    // Streamlit's may come later and take the name; what one has drawn, the other does not go on with.
    return window.plotlyOfStage ??= window.Plotly;
}

export default function ({data: [data], parentElement, setStateValue}) {
    const stage = parentElement.stage ??= new Stage(parentElement);
    stage.tell = setStateValue;
    stage.offer(data);
    return () => stage.leave();
}

class Stage {
    constructor(parent) {
        this.parent = parent;
        this.root = parent.querySelector('.stage');
        this.at = 0;
        this.speed = 1;
        for (const name of ['said', 'plot', 'strips', 'cursor', 'play', 'slider', 'marks', 'number', 'speed', 'bar', 'legend'])
            this['$' + name] = this.root.querySelector('.stage-' + name);
        this.$play.onclick = () => this.playing ? this.pause() : this.play();
        this.root.querySelector('.stage-back').onclick = () => this.step(-1);
        this.root.querySelector('.stage-on').onclick = () => this.step(1);
        this.$slider.oninput = () => { this.pause(); this.show(+this.$slider.value); };
        this.$slider.onchange = () => this.remember();
        this.$speed.onchange = () => { this.speed = +this.$speed.value; };
        this.keys = event => this.press(event);
        this.budgeted = event => this.move_budget(event.detail.mb);
        document.addEventListener('keydown', this.keys);
        window.addEventListener('budget', this.budgeted);
        this.resize = new ResizeObserver(() => this.fit());
        this.resize.observe(this.root);
    }

    leave() {
        // Streamlit may build the page anew when a run ends: what is played goes on there. What is not drawn yet begins.
        if (this.begun && this.begun === this.data.run)
            window.left = {run: this.begun, generation: this.shown(), playing: this.playing};
        this.gone = true;
        clearTimeout(this.waits);
        document.removeEventListener('keydown', this.keys);
        window.removeEventListener('budget', this.budgeted);
        this.resize.disconnect();
        cancelAnimationFrame(this.frame);
        delete this.parent.stage;
    }

    shown() { return this.data?.generations[this.at]?.generation; }

    // While a search runs, a slow machine draws its news less often, and keeps most of its time for the visitor.
    offer(data) {
        clearTimeout(this.waits);
        const {run, look, large} = this.data ?? {};
        const same = data.live && run === data.run && look === data.look && large === data.large;
        const rest = same ? (this.rested ?? 0) - performance.now() : 0;
        if (rest > 0) this.waits = setTimeout(() => this.take(data), rest);
        else this.take(data);
    }

    // One drawing at a time, then the newest of what has come meanwhile.
    async take(data) {
        this.next = data;
        if (this.taking) return;
        this.taking = true;
        try {
            while (this.next && !this.gone) await this.draw(this.next);
        } finally {
            this.taking = false;
        }
    }

    async draw(data) {
        this.root.classList.toggle('stage-large', data.large);
        for (const look of ['tall', 'control']) this.root.classList.toggle(`stage-${look}`, data.look === look);
        this.root.closest('.st-key-stage')?.classList.toggle('stage-below-a-view', data.look === 'control');
        this.Plotly = await plotly(data.program);
        if (this.next !== data) return;
        this.next = null;
        if (!this.root.isConnected) return;
        const begun = performance.now();
        const before = this.data, same = this.begun === data.run;
        if (!same || this.budget === undefined) this.budget = data.asked;
        for (const trace of data.figure.data) if (trace.meta) trace.uid = trace.meta; // Python's Plotly leaves uids out
        const colour = getComputedStyle(this.root).color;
        for (const [axis, ends] of [['xaxis', data.whole.slice(0, 2)], ['yaxis', data.whole.slice(2)]])
            Object.assign(data.figure.layout[axis], ticks(...ends));
        for (const figure of [data.figure, data.strips]) {
            if (!figure) continue;
            figure.layout.font = {...figure.layout.font, color: colour, family: getComputedStyle(this.root).fontFamily};
            for (const axis of ['xaxis', 'yaxis', 'xaxis2', 'yaxis2'])
                if (figure.layout[axis]) figure.layout[axis] = {...figure.layout[axis], color: colour};
        }
        const config = {displaylogo: false, responsive: false, displayModeBar: false, scrollZoom: false};
        // The data, the figure and the places of its traces change together: what plays goes on at any moment.
        const shown = before?.run === data.run ? this.shown() : undefined;
        this.data = data;
        // A long search is thinned, so that a generation may have another place in it than before.
        if (shown !== undefined && data.generations.length) this.at = this.nearest(shown);
        this.legend();
        const drawn = this.Plotly.react(this.$plot, data.figure.data, this.sized(data.figure.layout, this.$plot), config);
        const index = uid => data.figure.data.findIndex(trace => trace.uid === uid);
        this.traces = Object.fromEntries(['population', 'fittest', 'optimal', 'inset', 'whole', 'budget'].map(uid => [uid, index(uid)]));
        await drawn;
        if (this.gone) return;
        this.$plot.removeAllListeners?.('plotly_click');
        this.$plot.on('plotly_click', event => {
            const picked = event.points[0]?.customdata;
            if (typeof picked === 'string') this.tell('picked', picked);
        });
        const last = data.generations.length - 1;
        this.$bar.hidden = this.$strips.hidden = last < 0;
        this.root.dataset.ready = 'true';
        if (last >= 0) {
            await this.Plotly.react(this.$strips, data.strips.data, this.sized(data.strips.layout, this.$strips), config);
            if (this.gone) return;
            this.$strips.removeAllListeners?.('plotly_click');
            this.$strips.on('plotly_click', event => { this.pause(); this.show(this.nearest(event.points[0].x)); this.remember(); });
            this.$slider.max = last;
            this.$marks.replaceChildren(...data.generations.flatMap((one, at) => {
                if (!one.event) return [];
                const mark = document.createElement('i');
                mark.style.left = `${100 * at / Math.max(last, 1)}%`;
                mark.title = one.said;
                return [mark];
            }));
            const followed = same && (this.playing || shown >= before.generations.at(-1).generation);
            if (!same) {
                const asked = data.at === null ? null : this.nearest(data.at);
                const left = window.left?.run === data.run ? window.left : null;
                const begin = left ? this.nearest(left.generation) : asked ?? (data.plays && !STILL ? 0 : last);
                this.drawn = null;
                this.begun = data.run;
                this.show(begin);
                if (data.plays && !STILL && (left ? left.playing : asked === null)) this.play();
                else if (left && data.look === 'control') this.remember(0);
                // Space is for the stage now, and not for the button that has begun the search.
                if (this.playing && document.activeElement?.tagName === 'BUTTON') document.activeElement.blur();
            } else {
                this.drawn = null;
                this.show(Math.min(this.at, last));
                if (data.look === 'control' && before.look !== 'control') this.pause();
                // The last generations may come only when the search is over.
                else if (followed && (data.live || before.live) && this.at < last && !STILL) this.play();
            }
        } else {
            this.$said.textContent = data.idle;
        }
        this.move_budget(this.budget);
        this.rested = performance.now() + 2 * (performance.now() - begun);
    }

    legend() {
        const {figure, generations, colors} = this.data;
        const entries = figure.data.filter(one => one.name && one.showlegend !== false).map(one => one.mode === 'lines'
            ? ['—', one.line.color, one.name] : [GLYPHS[one.marker.symbol ?? 'circle'], one.marker.color, one.name]);
        if (generations.length) entries.push(['×', colors.over, 'over a limit']);
        this.$legend.replaceChildren(...entries.map(([glyph, color, name]) => {
            const entry = document.createElement('span'), sign = document.createElement('i');
            sign.textContent = glyph;
            sign.style.color = color;
            sign.ariaHidden = 'true';
            entry.append(sign, name);
            return entry;
        }));
        figure.layout.showlegend = !this.narrow();
    }

    narrow() {
        const narrow = this.root.clientWidth < NARROW;
        this.root.classList.toggle('stage-narrow', narrow);
        return narrow;
    }

    sized(layout, element) {
        return {...layout, width: element.clientWidth, height: element.clientHeight, autosize: false};
    }

    fit() {
        for (const element of [this.$plot, this.$strips])
            if (element.layout && element.clientWidth
                && (element.clientWidth !== element.layout.width || element.clientHeight !== element.layout.height))
                this.Plotly.relayout(element, {width: element.clientWidth, height: element.clientHeight,
                    showlegend: !this.narrow() && element === this.$plot}).then(() => this.point());
    }

    nearest(number) {
        const numbers = this.data.generations.map(one => one.generation);
        const at = numbers.findIndex(one => one >= number);
        return at < 0 ? numbers.length - 1 : at;
    }

    press(event) {
        const busy = event.target.closest?.('input, textarea, select, button, a, [role=slider], [role=radio], [contenteditable=true], canvas, [role=tab], [role=combobox]');
        if (!this.data?.generations.length || event.ctrlKey || event.metaKey || event.altKey) return;
        if (busy && !(busy === this.$slider && event.key === ' ')) return;
        if (event.key === ' ') this.playing ? this.pause() : this.play();
        else if (event.key === 'ArrowRight') this.step(1);
        else if (event.key === 'ArrowLeft') this.step(-1);
        else return;
        event.preventDefault();
    }

    play() {
        const last = this.data.generations.length - 1;
        if (this.at >= last) this.show(0);
        this.playing = true;
        this.look();
        this.due = performance.now() + this.wait();
        cancelAnimationFrame(this.frame);
        const tick = now => {
            if (!this.playing) return;
            if (now >= this.due) {
                if (this.at >= this.data.generations.length - 1) {
                    if (this.data.live) { this.playing = false; this.look(); } else this.pause();
                    return;
                }
                const begun = performance.now();
                this.show(this.at + 1);
                const rested = 2 * performance.now() - begun; // as long as drawing has taken
                if (this.data.look === 'control' && now - (this.told ?? 0) > FOLLOW) { this.told = now; this.remember(0); }
                // What a slow machine has missed is not caught up with: each generation is seen.
                this.due = Math.max(this.due + this.wait(), now, rested);
            }
            this.frame = requestAnimationFrame(tick);
        };
        this.frame = requestAnimationFrame(tick);
    }

    wait() { return 1000 * this.data.generations[this.at].seconds / this.speed; }

    pause() {
        const was = this.playing;
        this.playing = false;
        this.look();
        if (was) this.remember();
    }

    look() {
        this.$play.textContent = this.playing ? '❚❚' : '▶';
        this.$play.setAttribute('aria-label', this.playing ? 'Pause' : 'Play');
        this.$said.setAttribute('aria-live', this.playing ? 'off' : 'polite');
    }

    step(by) {
        this.pause();
        this.show(Math.min(Math.max(this.at + by, 0), this.data.generations.length - 1));
        this.remember();
    }

    // The address keeps the generation at once, and another view follows.
    remember(after = 200) {
        const here = new URL(location), number = this.data.generations[this.at].generation;
        here.searchParams.set('at', number);
        history.replaceState(history.state, '', here);
        clearTimeout(this.later);
        if (this.data.look === 'control') this.later = setTimeout(() => this.tell('generation', number), after);
    }

    places() {
        const at = new Map(), trace = this.$plot.querySelector(`.trace${CSS.escape('population')}`);
        const paths = trace ? [...trace.querySelectorAll('path.point')] : [];
        return {paths, of: path => (path.getAttribute('transform') || '').match(/-?[\d.]+/g)?.map(Number), at};
    }

    show(n) {
        const {generations, individuals: all, colors} = this.data;
        const now = generations[n], glides = this.playing && !STILL && this.drawn;
        const old = new Map(), {paths, of} = this.places();
        // Plotly gives a mark's element to another individual, which must not stay invisible where one has faded.
        for (const path of paths) path.getAnimations().forEach(one => one.cancel());
        if (glides) {
            paths.forEach((path, at) => { const place = of(path); if (place) old.set(this.drawn[at], place); });
        }
        const stay = new Set(now.members);
        const gone = glides ? [...old.keys()].filter(one => !stay.has(one) && !this.fading?.has(one)) : [];
        const shown = [...gone, ...now.members];
        const take = (ids, key) => ids.map(one => all[key][one]);
        const best = now.best < 0 ? [] : [now.best];
        const fits = take(shown, 'fits');
        const {population, fittest, inset} = this.traces;
        const other = this.budget !== this.data.budget, whole = this.data.whole;
        const [x0, x1, y0, y1] = other ? whole : now.view; // where the optimum of the new budget is, too
        const zoomed = x0 !== whole[0] || x1 !== whole[1] || y0 !== whole[2] || y1 !== whole[3];
        const box = {type: 'rect', xref: 'x2', yref: 'y2', x0: 10 ** x0, x1: 10 ** x1, y0: 10 ** y0, y1: 10 ** y1,
            line: {width: 1.5, color: this.data.figure.layout.font.color}, visible: zoomed};
        const seen = [true, true, zoomed, zoomed];
        this.box = box;
        this.at = n;
        this.drawn = shown;
        this.fading = new Set(gone);
        this.Plotly.update(this.$plot, {
            visible: seen,
            x: [take(shown, 'x'), take(best, 'x'), take(now.members, 'x'), this.data.front.x],
            y: [take(shown, 'y'), take(best, 'y'), take(now.members, 'y'), this.data.front.y],
            customdata: [take(shown, 'genes'), take(best, 'genes'), [], []],
            'marker.color': [fits.map(fit => fit && !other ? colors.fits : colors.over), this.$plot.data[fittest].marker.color, this.$plot.data[inset].marker.color, null],
            'marker.symbol': [fits.map(fit => fit ? 'circle' : 'x-thin'), 'diamond', 'circle', null],
            'marker.line.color': [fits.map(fit => fit ? 'white' : colors.over), 'white', 'white', null],
        }, {'xaxis.range': [x0, x1], 'yaxis.range': [y0, y1], shapes: this.shapes(),
            'xaxis2.visible': zoomed, 'yaxis2.visible': zoomed, ...flat('xaxis', ticks(x0, x1)), ...flat('yaxis', ticks(y0, y1))},
            [population, fittest, inset, this.traces.whole]);
        if (glides) this.glide(old, this.fading, this.wait());
        this.point();
        const holder = this.root.closest('.st-key-stage');
        if (holder) holder.dataset.generation = now.generation;
        this.$said.textContent = (other ? `The search at ${this.data.budget} MB · ` : '') + now.said;
        this.$number.textContent = now.generation;
        this.$slider.value = n;
        this.$slider.setAttribute('aria-valuetext', now.said);
    }

    glide(old, gone, milliseconds) {
        const {paths, of} = this.places();
        const timing = {duration: Math.max(milliseconds, 100) * GLIDE, easing: 'ease-in-out'};
        paths.forEach((path, at) => {
            const id = this.drawn[at], to = of(path);
            if (!to) return;
            const [x, y] = to, from = old.get(id) ?? old.get(this.data.individuals.parent[id]);
            if (gone.has(id)) path.animate([{opacity: 1}, {opacity: 0}], {...timing, fill: 'forwards'});
            else if (from) {
                const move = place => `translate(${place[0]}px, ${place[1]}px)`;
                const fresh = old.has(id) ? 1 : 0.2;
                path.animate([{transform: move(from), opacity: fresh}, {transform: move([x, y]), opacity: 1}], timing);
            } else path.animate([{opacity: 0}, {opacity: 1}], timing);
        });
    }

    point() {
        const axis = this.$strips._fullLayout?.xaxis;
        if (!axis || !this.data.generations.length) return;
        this.$cursor.style.left = `${axis._offset + axis.l2p(this.data.generations[this.at].generation)}px`;
        this.$cursor.style.visibility = 'visible';
    }

    shapes() {
        const [x, , low, high] = this.data.whole;
        const region = {type: 'rect', x0: 10 ** (x - 1), x1: this.budget, y0: 10 ** (low - 1), y1: 10 ** (high + 1),
            layer: 'below', line: {width: 0}, fillcolor: this.data.colors.region};
        return this.box ? [region, this.box] : [region];
    }

    move_budget(mb) {
        this.budget = mb;
        if (!this.traces) return;
        const {front, optimum, by_front: byFront, budget, whole: [, , low, high]} = this.data;
        const at = byFront ? front.x.findLastIndex(size => size <= mb) : -1;
        const best = at < 0 ? [null, null, null] : [front.x[at], front.y[at], front.genes[at]];
        const star = (mb === budget && optimum || best).map(value => [value]);
        this.Plotly.update(this.$plot, {x: [star[0], [mb, mb]], y: [star[1], [10 ** (low - 1), 10 ** (high + 1)]],
            customdata: [star[2], []]}, {shapes: this.shapes()}, [this.traces.optimal, this.traces.budget]);
        if (this.data.generations.length && !this.playing) this.show(this.at);
    }
}

// Whole numbers on a logarithmic axis, and never fewer than three of them however close the view is.
function ticks(low, high) {
    const within = [];
    for (let power = Math.floor(low); power <= high; power++)
        for (const digit of [1, 2, 5]) within.push(digit * 10 ** power);
    let values = within.filter(value => Math.log10(value) >= low && Math.log10(value) <= high);
    if (values.length < 3) {
        const span = 10 ** high - 10 ** low, rough = 10 ** Math.floor(Math.log10(span / 3));
        const step = [5, 2, 1].map(times => times * rough).find(size => span / size >= 3);
        values = [];
        for (let value = Math.ceil(10 ** low / step) * step; value <= 10 ** high; value += step) values.push(value);
    }
    return {tickmode: 'array', tickvals: values, ticktext: values.map(value => String(+value.toPrecision(4)))};
}

function flat(axis, values) { return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${axis}.${key}`, value])); }
