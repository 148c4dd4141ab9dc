// A student drawn to scale beside its teacher: the area of a block is its bytes. It follows the budget in the browser; a
// gene that is edited by hand is priced by the server.
const SVG = 'http://www.w3.org/2000/svg';

export default function ({data: [data], parentElement, setStateValue}) {
    const view = parentElement.view ??= new Anatomy(parentElement);
    view.tell = setStateValue;
    view.take(data);
    return () => view.leave();
}

class Anatomy {
    constructor(parent) {
        this.parent = parent;
        this.root = parent.querySelector('.anatomy');
        this.budgeted = event => { this.budget = event.detail.mb; if (this.data?.follows) this.draw(this.within(this.budget)); };
        window.addEventListener('budget', this.budgeted);
        this.resize = new ResizeObserver(() => { if (this.one) this.draw(this.one); });
        this.resize.observe(this.root);
    }

    leave() {
        window.removeEventListener('budget', this.budgeted);
        this.resize.disconnect();
        delete this.parent.view;
    }

    take(data) {
        this.data = data;
        this.budget ??= data.budget;
        this.draw(data.edited ?? this.within(this.budget));
    }

    within(mb) { return this.data.students.findLast(one => one.size_mb <= mb) ?? null; }

    draw(one) {
        this.one = one;
        const {teacher, genes, parts, colors} = this.data, drawing = this.root.querySelector('svg');
        if (!one) {
            drawing.replaceChildren();
            this.root.querySelector('.anatomy-facts').textContent = 'Nothing in this space is that small.';
            return;
        }
        const wide = drawing.clientWidth || 300, high = drawing.clientHeight || 220, gap = 28;
        const sides = [Math.sqrt(teacher.size_mb), Math.sqrt(one.size_mb)];
        const scale = Math.min((wide - gap) / (sides[0] + sides[1]), (high - 22) / Math.max(...sides));
        const shapes = [];
        let left = 0;
        for (const [model, side, name] of [[teacher, sides[0], 'teacher'], [one, sides[1], 'student']]) {
            const edge = side * scale;
            let top = high - 20 - edge;
            for (const part of parts) {
                const tall = edge * model.parts[part] / model.size_mb;
                shapes.push(make('rect', {x: left, y: top, width: edge, height: Math.max(tall, 0), fill: colors[part], 'stroke-width': .5, stroke: 'currentColor'}, `${name}, ${part}: ${text(model.parts[part])} MB`));
                top += tall;
            }
            const label = make('text', {x: left, y: high - 4, 'font-size': 13, fill: 'currentColor'});
            label.textContent = name;
            shapes.push(label);
            left += Math.max(edge, 52) + gap;
        }
        drawing.replaceChildren(...shapes);
        const facts = [[`${text(one.size_mb)} MB`, `${(100 * one.size_mb / teacher.size_mb).toFixed(one.size_mb < teacher.size_mb / 10 ? 1 : 0)}% of the teacher`],
            [`${(one.parameters / 1e6).toFixed(2)} M`, 'parameters'], [`${one.paper_gflops.toFixed(2)}`, 'GFLOPs']];
        if (one.latency_ms != null) facts.push([`${one.latency_ms.toFixed(1)} ms`, `predicted ${this.data.where}`]);
        this.root.querySelector('.anatomy-facts').replaceChildren(...facts.map(([value, what]) => {
            const fact = document.createElement('span'), strong = document.createElement('b');
            strong.textContent = value;
            fact.append(strong, ` ${what}`);
            return fact;
        }));
        this.root.querySelector('.anatomy-parts').replaceChildren(...parts.map(part => {
            const item = document.createElement('li'), swatch = document.createElement('i');
            swatch.style.background = colors[part];
            item.append(swatch, `${part} ${text(one.parts[part])} MB`);
            return item;
        }));
        this.edit(one, genes);
    }

    edit(one, genes) {
        const values = one.architecture.split(','), table = this.root.querySelector('.anatomy-genes');
        const focused = document.activeElement?.dataset?.gene;
        table.replaceChildren(...genes.map(({gene, title, values: allowed}, at) => {
            const row = document.createElement('label'), box = document.createElement('select');
            box.dataset.gene = gene;
            const shown = allowed.map(String).includes(values[at]) ? allowed : [...allowed, +values[at]].sort((a, b) => a - b);
            box.replaceChildren(...shown.map(value => new Option(value.toLocaleString('en'), value, false, String(value) === values[at])));
            box.onchange = () => {
                const edited = values.with(at, box.value).join(',');
                this.tell('architecture', edited);
            };
            const step = one.steps.find(each => each.gene === gene), cost = document.createElement('small');
            if (step) {
                const up = step.to > +values[at];
                const change = (value, written, unit) => {
                    const shown = written(Math.max(up ? value : -value, 0));
                    return +shown ? `${up ? '+' : '−'}${shown} ${unit}` : `0 ${unit}`;
                };
                const costs = [change(step.size_mb, text, 'MB'), change(step.paper_gflops, value => value.toFixed(2), 'GFLOPs')];
                if (step.latency_ms != null) costs.push(change(step.latency_ms, value => value.toFixed(1), 'ms'));
                cost.textContent = `${step.to.toLocaleString('en')}: ${costs.join(', ')}`;
            }
            row.title = cost.textContent;
            const name = document.createElement('span');
            name.textContent = title;
            row.append(name, box, cost);
            return row;
        }));
        if (focused) table.querySelector(`[data-gene=${focused}]`)?.focus();
    }
}

function make(name, attributes, title) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (title) element.append(Object.assign(document.createElementNS(SVG, 'title'), {textContent: title}));
    return element;
}

function text(mb) { return mb >= 10 ? mb.toFixed(1) : mb >= 0.1 ? mb.toFixed(2) : mb.toFixed(3); }
