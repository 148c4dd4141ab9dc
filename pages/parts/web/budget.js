// The size budget on a logarithmic scale. The page hears of it at once (the event `budget`), the server when it is let go.
export default function ({data: [data], parentElement, setStateValue}) {
    const root = parentElement.querySelector('.budget'), slider = root.querySelector('input');
    const {values, ticks, measured} = data, steps = values.length - 1, low = values[0], high = values[steps];
    const mb = () => values[slider.value];
    const place = value => Math.round(steps * Math.log(value / low) / Math.log(high / low));
    const share = accuracy => `${(100 * accuracy).toFixed(1)}%`;
    const near = value => {
        const apart = one => Math.abs(Math.log(one.mb / value));
        const one = measured.length ? measured.reduce((best, each) => apart(each) < apart(best) ? each : best) : null;
        root.querySelector('.budget-measured').textContent = one
            ? `Nearest student: ${+one.mb.toPrecision(3)} MB, ${share(one.accuracy)} on its own test split`
                + (one.by_hand === null ? '' : `, ${share(one.by_hand)} by hand`) + ' (precomputed)' : '';
    };
    const tell = () => {
        root.querySelector('output').textContent = `${mb()} MB`;
        near(mb());
        slider.setAttribute('aria-valuetext', `${mb()} MB`);
        window.dispatchEvent(new CustomEvent('budget', {detail: {mb: mb()}}));
    };
    slider.max = steps;
    if (root.dataset.told !== String(data.mb)) {
        const moved = root.dataset.told !== undefined; // by another field
        root.dataset.told = data.mb;
        slider.value = place(data.mb);
        root.querySelector('output').textContent = `${data.mb} MB`;
        slider.setAttribute('aria-valuetext', `${data.mb} MB`);
        if (moved) window.dispatchEvent(new CustomEvent('budget', {detail: {mb: data.mb}}));
    }
    near(data.mb);
    slider.oninput = tell;
    slider.onchange = () => { root.dataset.told = mb(); setStateValue('mb', mb()); };
    root.querySelector('.budget-ticks').replaceChildren(...ticks.map(tick => {
        const mark = document.createElement('span');
        mark.textContent = tick;
        mark.style.left = `${100 * place(tick) / steps}%`;
        return mark;
    }));
}
